/* kpu/base.h - errors, diagnostics, checked arithmetic, rationals, random numbers.
 *
 * The library never prints, exits or aborts: functions return an `int` from the list below
 * and, where a person has to read something, append it to a kpu_diag that the caller owns. */
#ifndef KPU_BASE_H
#define KPU_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* code, meaning, exit code of a command that ends with it */
#define KPU_ERROR_LIST(X)                                                                          \
    X(KPU_OK, "success", 0)                                                                        \
    X(KPU_E_INPUT, "bad input", 2)                                                                 \
    X(KPU_E_USAGE, "bad usage", 2)                                                                 \
    X(KPU_E_MEMORY, "out of memory", 1)                                                            \
    X(KPU_E_IO, "input/output error", 1)                                                           \
    X(KPU_E_RANGE, "number out of range", 2)                                                       \
    X(KPU_E_INTERRUPTED, "interrupted", 130)                                                       \
    X(KPU_E_INTERNAL, "internal error", 1)                                                         \
    X(KPU_E_REFUTED, "a claim does not hold", 1)                                                   \
    X(KPU_E_DIFFERENT, "the files differ", 1)

typedef enum kpu_error {
#define KPU_X(code, text, exit_code) code,
    KPU_ERROR_LIST(KPU_X)
#undef KPU_X
} kpu_error;

const char *kpu_error_text(int code);
int kpu_error_exit_code(int code);

/* One complaint: what, and where. Strings belong to the kpu_diag. */
typedef struct kpu_diag_entry {
    int code;         /* kpu_error */
    const char *file; /* NULL: no file (a command-line value, say) */
    int64_t line;     /* from 1; 0: the whole file */
    int64_t column;   /* from 1; 0: the whole line */
    const char *text; /* the line itself, NULL if there is none */
    const char *message;
} kpu_diag_entry;

/* A gatherer of complaints. init/fini; zeroed memory is a valid empty one. */
typedef struct kpu_diag {
    kpu_diag_entry *entries;
    size_t count, capacity;
} kpu_diag;

void kpu_diag_init(kpu_diag *diag);
void kpu_diag_fini(kpu_diag *diag);
/* More complaints than this are not kept: each has a copy of its line. */
enum { KPU_DIAG_MAX = 200 };
/* Appends a complaint and returns `code`. `diag` may be NULL (nothing is kept). */
int kpu_diag_add(kpu_diag *diag, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
typedef struct kpu_place {
    const char *file;
    int64_t line, column;
    const char *text;
} kpu_place;
int kpu_diag_add_at(kpu_diag *diag, int code, const kpu_place *place, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Renders all complaints as "file:line:col: error: message\n  line\n  ^" into a string that the
 * caller frees with free(). NULL only when out of memory. */
char *kpu_diag_render(const kpu_diag *diag);

/* Exact rational, den > 0, lowest terms. Bandwidths are bytes per cycle. */
typedef struct kpu_rational {
    int64_t num, den;
} kpu_rational;
/* "8", "12.8", "400/3": exact. False on anything else (signs, exponents, overflow, zero den). */
bool kpu_rational_parse(const char *text, kpu_rational *out);
/* Lowest terms of num/den; false if it does not fit or den == 0. */
bool kpu_rational_make(int64_t num, int64_t den, kpu_rational *out);
bool kpu_rational_div(kpu_rational a, kpu_rational b, kpu_rational *out); /* a / b */
double kpu_rational_value(kpu_rational r);
/* ceil(a / b), at most INT64_MAX: cycles that `a` bytes occupy an engine of bandwidth b. a >= 0, b
 * > 0 and b.num * b.den must fit 64 bits. */
int64_t kpu_rational_ceil_quotient(int64_t a, kpu_rational b);

static inline int64_t kpu_ceil_div(int64_t a, int64_t b) /* a >= 0, b > 0 */
{
    return a / b + (a % b != 0);
}
static inline bool kpu_mul_overflows(int64_t a, int64_t b, int64_t *out)
{
    return __builtin_mul_overflow(a, b, out);
}
static inline bool kpu_add_overflows(int64_t a, int64_t b, int64_t *out)
{
    return __builtin_add_overflow(a, b, out);
}

/* Counter-based random number: a pure function of its arguments, uniform in 64 bits. */
uint64_t kpu_random_u64(uint64_t seed, uint64_t stream, uint64_t index);

/* 128-bit non-cryptographic hash (XXH3) as 32 hexadecimal digits and a NUL. */
void kpu_hash_hex(const void *data, size_t size, char out[33]);
/* The same hash of bytes that come piece by piece; new/free, NULL when out of memory. */
typedef struct kpu_hash kpu_hash;
kpu_hash *kpu_hash_new(void);
void kpu_hash_free(kpu_hash *hash);
void kpu_hash_add(kpu_hash *hash, const void *data, size_t size);
/* Of all that was added so far; more may follow. */
void kpu_hash_text(const kpu_hash *hash, char out[33]);

/* CRC-32 as zlib, PNG and Python's zlib.crc32 have it. */
uint32_t kpu_crc32(const void *data, size_t size);

/* The whole file, with a NUL after its last byte; the caller frees it. Complains about what is
 * missing, unreadable, a directory or larger than `max_bytes`. */
int kpu_file_read(const char *path, int64_t max_bytes, char **out, size_t *bytes, kpu_diag *diag);
/* Written beside the place and renamed, so that there is the old file or the new one; pipes and
 * devices are written as they are. */
int kpu_file_write(const char *path, const void *data, size_t bytes, kpu_diag *diag);

/* Largest file that the readers of text take. */
enum { KPU_TEXT_FILE_MAX = 16 << 20 };
/* The whole file as a NUL-terminated string that the caller frees. Complains about what is
 * missing, unreadable, a directory or larger than KPU_TEXT_FILE_MAX. */
int kpu_text_read(const char *path, char **out, size_t *bytes, kpu_diag *diag);
/* Offset of the first byte that is no text: a control character but tab, or no UTF-8. `bytes` if
 * all is well. */
size_t kpu_text_first_junk(const char *text, size_t bytes);

/* A growing string; zeroed memory is a valid empty one (data NULL). `failed` once memory ran out:
 * then nothing more is appended, so it is enough to look at the end. */
typedef struct kpu_text {
    char *data; /* NUL-terminated */
    size_t length, capacity;
    bool failed;
} kpu_text;

void kpu_text_fini(kpu_text *text);
void kpu_text_clear(kpu_text *text); /* keeps the memory */
void kpu_text_put(kpu_text *text, const char *string);
void kpu_text_put_bytes(kpu_text *text, const char *bytes, size_t count);
void kpu_text_repeat(kpu_text *text, char c, int count); /* nothing if count <= 0 */
void kpu_text_format(kpu_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void kpu_text_put_int(kpu_text *text, int64_t value);
/* Shortest of 15 to 17 digits that reads back as the same double; whole numbers as integers. */
void kpu_text_put_double(kpu_text *text, double value);
void kpu_text_put_json_string(kpu_text *text, const char *string); /* UTF-8, with its quotes */
void kpu_text_put_json_number(kpu_text *text, double value);       /* null if not finite */

/* Nearest of `count` names to `name` by edit distance (a swap of neighbours is one edit), or NULL
 * when none is near. */
const char *kpu_nearest_name(const char *name, const char *const *names, size_t count);

#ifdef __cplusplus
}
#endif
#endif
