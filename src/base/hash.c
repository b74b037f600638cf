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

uint32_t kpu_crc32(const void *data, size_t size)
{
    /* of each half byte: the polynomial is 0xEDB88320, bits least significant first */
    static const uint32_t table[16] = {
        0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4,
        0x4DB26158, 0x5005713C, 0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C,
        0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C,
    };
    const unsigned char *byte = data;
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < size; i++) {
        crc ^= byte[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}
