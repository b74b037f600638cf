#include "kpu/base.h"

#include <stdlib.h>
#include <xxhash.h>

struct kpu_hash {
    XXH3_state_t *state;
};

static void print(XXH128_hash_t hash, char out[33])
{
    static const char digits[] = "0123456789abcdef";
    XXH128_canonical_t canonical; /* big-endian: the same text on every machine */
    XXH128_canonicalFromHash(&canonical, hash);
    for (size_t i = 0; i < sizeof canonical.digest; i++) {
        out[2 * i] = digits[canonical.digest[i] >> 4];
        out[2 * i + 1] = digits[canonical.digest[i] & 15];
    }
    out[32] = '\0';
}

void kpu_hash_hex(const void *data, size_t size, char out[33])
{
    print(XXH3_128bits(data, size), out);
}

kpu_hash *kpu_hash_new(void)
{
    kpu_hash *hash = malloc(sizeof *hash);
    if (!hash)
        return NULL;
    hash->state = XXH3_createState();
    if (!hash->state || XXH3_128bits_reset(hash->state) != XXH_OK) {
        kpu_hash_free(hash);
        return NULL;
    }
    return hash;
}

void kpu_hash_free(kpu_hash *hash)
{
    if (!hash)
        return;
    XXH3_freeState(hash->state);
    free(hash);
}

void kpu_hash_add(kpu_hash *hash, const void *data, size_t size)
{
    if (size > 0)
        XXH3_128bits_update(hash->state, data, size);
}

void kpu_hash_text(const kpu_hash *hash, char out[33])
{
    print(XXH3_128bits_digest(hash->state), out);
}
