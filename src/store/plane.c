#include "store/plane.h"

#include <stdbool.h>
#include <string.h>

/* Codes of RFC 1951, section 3.2.6 (fixed Huffman codes) and 3.2.5 (lengths). */
enum { LONGEST_MATCH = 258, SHORTEST_MATCH = 3 };

/* Bits of a deflate stream, the lowest first. */
typedef struct bits {
    unsigned char *next;
    uint64_t held;
    int count;
} bits;

static void put(bits *b, uint32_t value, int count)
{
    b->held |= (uint64_t)value << b->count;
    for (b->count += count; b->count >= 8; b->count -= 8) {
        *b->next++ = (unsigned char)b->held;
        b->held >>= 8;
    }
}

/* Huffman codes stand with their highest bit first. */
static void put_code(bits *b, uint32_t code, int count)
{
    uint32_t reversed = 0;
    for (int i = 0; i < count; i++)
        reversed |= (code >> i & 1) << (count - 1 - i);
    put(b, reversed, count);
}

static void put_literal(bits *b, unsigned char byte)
{
    if (byte < 144)
        put_code(b, 0x30u + byte, 8);
    else
        put_code(b, 0x190u + byte - 144u, 9);
}

/* The byte before, `length` times more. */
static void put_match(bits *b, size_t length)
{
    enum { SYMBOLS = 29 };
    static const uint16_t base[SYMBOLS] = {3,  4,  5,  6,   7,   8,   9,   10,  11, 13,
                                           15, 17, 19, 23,  27,  31,  35,  43,  51, 59,
                                           67, 83, 99, 115, 131, 163, 195, 227, 258};
    static const uint8_t extra[SYMBOLS] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                           2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
    int symbol = SYMBOLS - 1;
    while (base[symbol] > length)
        symbol--;
    if (symbol < 23) /* lengths 257 .. 279 in 7 bits, 280 .. 285 in 8 */
        put_code(b, (uint32_t)symbol + 1, 7);
    else
        put_code(b, 0xc0u + (uint32_t)symbol - 23u, 8);
    put(b, (uint32_t)length - base[symbol], extra[symbol]);
    put_code(b, 0, 5); /* distance 1 */
}

/* One block of `bytes` times the same byte, and an empty stored one that ends on a whole byte. */
static size_t put_constant(unsigned char byte, size_t bytes, unsigned char *out)
{
    static const unsigned char empty_stored[] = {0, 0, 0xff, 0xff};
    bits b = {.next = out};
    put(&b, 1u << 1, 3); /* not the last; fixed codes */
    put_literal(&b, byte);
    size_t left = bytes - 1;
    while (left >= SHORTEST_MATCH) {
        size_t length = left < LONGEST_MATCH ? left : LONGEST_MATCH;
        put_match(&b, length);
        left -= length;
    }
    for (; left > 0; left--)
        put_literal(&b, byte);
    put_code(&b, 0, 7); /* end of block */
    put(&b, 0, 3);      /* not the last; stored */
    if (b.count > 0)
        put(&b, 0, 8 - b.count);
    memcpy(b.next, empty_stored, sizeof empty_stored);
    return (size_t)(b.next - out) + sizeof empty_stored;
}

static bool is_constant(const unsigned char *plane, size_t bytes)
{
    return memcmp(plane, plane + 1, bytes - 1) == 0;
}

static size_t put_mixed(z_stream *stream, const unsigned char *data, size_t bytes,
                        unsigned char *out, size_t room)
{
    stream->next_in = (unsigned char *)(uintptr_t)data;
    stream->avail_in = (uInt)bytes;
    stream->next_out = out;
    stream->avail_out = (uInt)room;
    if (deflate(stream, Z_SYNC_FLUSH) != Z_OK || stream->avail_in > 0 || stream->avail_out == 0)
        return 0;
    return room - stream->avail_out;
}

size_t kpu_plane_deflate(z_stream *stream, const unsigned char *data, size_t planes, size_t bytes,
                         unsigned char *out, size_t room)
{
    static const unsigned char last_block[] = {3, 0}; /* empty, fixed codes */
    size_t used = 0;
    for (size_t p = 0; p < planes;) {
        const unsigned char *plane = data + p * bytes;
        size_t mixed = 0; /* planes for zlib from here on */
        while (p + mixed < planes && !is_constant(plane + mixed * bytes, bytes))
            mixed++;
        if (room - used < bytes + KPU_PLANE_SLACK)
            return 0;
        size_t wrote = mixed ? put_mixed(stream, plane, mixed * bytes, out + used,
                                         room - used - sizeof last_block)
                             : put_constant(plane[0], bytes, out + used);
        if (wrote == 0)
            return 0;
        used += wrote;
        p += mixed ? mixed : 1;
    }
    memcpy(out + used, last_block, sizeof last_block);
    return used + sizeof last_block;
}

uint32_t kpu_plane_adler32(const unsigned char *data, size_t planes, size_t bytes)
{
    enum { BASE = 65521 };
    uint64_t a = 1, b = 0, n = bytes;
    for (size_t p = 0; p < planes; p++, data += bytes) {
        if (is_constant(data, bytes)) { /* a grows by the byte, b by a, n times */
            b = (b + n * a + n * (n + 1) / 2 % BASE * data[0]) % BASE;
            a = (a + n * data[0]) % BASE;
        } else {
            uLong sum = adler32((uLong)(b << 16 | a), data, (uInt)bytes);
            a = sum & 0xffff;
            b = sum >> 16;
        }
    }
    return (uint32_t)(b << 16 | a);
}
