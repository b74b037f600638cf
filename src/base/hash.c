#include "kpu/base.h"

#include <xxhash.h>

void kpu_hash_hex(const void *data, size_t size, char out[33])
{
    static const char digits[] = "0123456789abcdef";
    XXH128_canonical_t canonical; /* big-endian: the same text on every machine */
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(data, size));
    for (size_t i = 0; i < sizeof canonical.digest; i++) {
        out[2 * i] = digits[canonical.digest[i] >> 4];
        out[2 * i + 1] = digits[canonical.digest[i] & 15];
    }
    out[32] = '\0';
}
