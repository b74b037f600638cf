/* Rows on their way between ranks. Neighbours have much in common: of each metric only the bytes go
 * in which it differs from the row before, bit for bit. What differs lies at the low end of
 * integers, and at the high end of doubles that are round. */
#include "explorer/message.h"

enum {
    CODE_BITS = 4,
    LOW_MOST = 8,       /* codes 1 .. 8: that many bytes at the low end */
    METRICS_MAX = 1024, /* of a row: there are some 130 */
    WIDTH = 8
};

/* 0, 1 .. 8, or 8 + so many bytes at the high end. */
static unsigned code_of(uint64_t difference)
{
    if (difference == 0)
        return 0;
    unsigned low = (unsigned)(WIDTH - __builtin_clzll(difference) / 8);
    unsigned high = (unsigned)(WIDTH - __builtin_ctzll(difference) / 8);
    return high < low ? LOW_MOST + high : low;
}

static uint64_t bits_of(const kpu_metric_value *value)
{
    uint64_t bits;
    memcpy(&bits, value, sizeof bits);
    return bits;
}

/* Low bytes first, whatever the machine. */
static size_t put_difference(uint64_t difference, unsigned code, unsigned char *out)
{
    unsigned count = code > LOW_MOST ? code - LOW_MOST : code;
    if (code > LOW_MOST)
        difference >>= 8 * (WIDTH - count);
    for (unsigned i = 0; i < count; i++)
        out[i] = (unsigned char)(difference >> 8 * i);
    return count;
}

void kpu_row_encode(const kpu_metric_value *before, const kpu_metric_value *metrics, kpu_text *out)
{
    unsigned char row[METRICS_MAX * (WIDTH + 1)];
    size_t count = kpu_metric_count(), used = (count + 1) / 2;
    memset(row, 0, used);
    for (size_t m = 0; m < count; m++) {
        uint64_t difference = bits_of(&metrics[m]) ^ (before ? bits_of(&before[m]) : 0);
        unsigned code = code_of(difference);
        row[m / 2] |= (unsigned char)(code << (m % 2 ? CODE_BITS : 0));
        used += put_difference(difference, code, row + used);
    }
    kpu_put(out, row, used);
}

static uint64_t get_difference(kpu_reader *reader, unsigned code)
{
    unsigned count = code > LOW_MOST ? code - LOW_MOST : code;
    const char *bytes = kpu_read_bytes(reader, count);
    uint64_t difference = 0;
    for (unsigned i = 0; bytes && i < count; i++)
        difference |= (uint64_t)(unsigned char)bytes[i] << 8 * i;
    return code > LOW_MOST ? difference << 8 * (WIDTH - count) : difference;
}

void kpu_row_decode(kpu_reader *reader, const kpu_metric_value *before, kpu_metric_value *metrics)
{
    size_t count = kpu_metric_count();
    const char *codes = kpu_read_bytes(reader, (count + 1) / 2);
    for (size_t m = 0; m < count; m++) {
        unsigned pair = codes ? (unsigned char)codes[m / 2] : 0;
        unsigned code = pair >> (m % 2 ? CODE_BITS : 0) & 15u;
        uint64_t bits = get_difference(reader, code) ^ (before ? bits_of(&before[m]) : 0);
        memcpy(&metrics[m], &bits, sizeof bits);
    }
}
