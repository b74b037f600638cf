/* The hash of all that decides which candidates a space has and how they are timed: of a text that
 * lists it, a line a datum (docs/certificate.md). */
#include "explorer/space_hash.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static void put(kpu_hash *hash, const char *format, ...)
{
    char line[256]; /* every line here is shorter */
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    kpu_hash_add(hash, line, (size_t)length);
}

static void put_int(kpu_hash *hash, const char *key, const int64_t *value)
{
    put(hash, "%s %" PRId64 "\n", key, *value);
}

static void put_real(kpu_hash *hash, const char *key, const double *value)
{
    put(hash, "%s %.17g\n", key, *value);
}

static void put_rational(kpu_hash *hash, const char *key, const kpu_rational *value)
{
    put(hash, "%s %" PRId64 "/%" PRId64 "\n", key, value->num, value->den);
}

#define PUT_INT put_int
#define PUT_WORD put_int
#define PUT_RATIONAL put_rational
#define PUT_REAL put_real
#define PUT_DECIMAL put_real

void kpu_hash_put_machine(kpu_hash *hash, const kpu_machine *machine)
{
    put(hash, "machine\n");
#define FIELD(type, section, key, member) PUT_##type(hash, section "." key, &machine->member);
#include "machine/fields.def"
#undef FIELD
}

void kpu_hash_put_gemm(kpu_hash *hash, const kpu_problem *p)
{
    put(hash, "gemm %" PRId64 " %" PRId64 " %" PRId64 "\n", p->dim[KPU_M], p->dim[KPU_N],
        p->dim[KPU_K]);
    put(hash, "bytes %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 "\n", p->element_bytes[KPU_A],
        p->element_bytes[KPU_B], p->element_bytes[KPU_C], p->partial_bytes);
}

void kpu_hash_put_values(kpu_hash *hash, const kpu_space *space, size_t gemm)
{
    for (size_t a = 0; a < KPU_SPACE_AXES; a++) {
        const kpu_values *values = &space->values[gemm * KPU_SPACE_AXES + a];
        size_t width = kpu_element_width(kpu_space_axes[a].element);
        put(hash, "axis %s digit %zu\n", kpu_space_axes[a].name, space->digits.digit_of[a]);
        for (size_t i = 0; i < (size_t)values->count * width; i++)
            put(hash, "%" PRId64 "\n", values->number[i]);
    }
}

void kpu_hash_put_constraint(kpu_hash *hash, const char *text)
{
    put(hash, "constraint %zu ", strlen(text));
    kpu_hash_add(hash, text, strlen(text));
    put(hash, "\n");
}

int kpu_space_hash(const kpu_space *space, char out[33])
{
    kpu_hash *hash = kpu_hash_new();
    if (!hash)
        return KPU_E_MEMORY;
    for (size_t m = 0; m < space->machine_count; m++)
        kpu_hash_put_machine(hash, &space->machines[m]);
    for (size_t g = 0; g < space->gemm_count; g++) {
        kpu_hash_put_gemm(hash, &kpu_space_gemm(space, (int64_t)g)->problem);
        kpu_hash_put_values(hash, space, g);
    }
    for (size_t i = 0; i < space->constraint_count; i++)
        kpu_hash_put_constraint(hash, space->constraint_texts[i]);
    kpu_hash_text(hash, out);
    kpu_hash_free(hash);
    return KPU_OK;
}
