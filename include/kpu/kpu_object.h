/* kpu/kpu_object.h - the object file .kpu: a program (kpu/dfx.h) as JSON or binary
 * (docs/kpu-object.md). */
#ifndef KPU_KPU_OBJECT_H
#define KPU_KPU_OBJECT_H

#include "kpu/dfx.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Of the binary form; a reader refuses a newer major one. */
enum { KPU_OBJECT_VERSION_MAJOR = 1, KPU_OBJECT_VERSION_MINOR = 0 };
#define KPU_OBJECT_BYTES_MAX (INT64_C(256) << 20)

typedef enum kpu_object_format {
    KPU_OBJECT_JSON,
    KPU_OBJECT_BINARY,
    KPU_OBJECT_FORMATS
} kpu_object_format;
extern const char *const kpu_object_format_names[KPU_OBJECT_FORMATS]; /* "json", "binary" */

/* Appends the object of a program that kpu_dfx_verify takes; the same program gives the same bytes
 * everywhere. `out` may then hold NULs: out->length counts. */
void kpu_object_print(const kpu_dfx *dfx, kpu_object_format format, kpu_text *out);
/* Either form, told by its first bytes; also DFX text. Bounded: every length, count, offset, index
 * and word is checked before it is used, and memory stays in proportion to `bytes`; then the
 * program is verified. Complaints name file and section, offset or path. On failure *out is
 * NULL. */
int kpu_object_parse(const char *path, const void *data, size_t bytes, kpu_dfx **out,
                     kpu_diag *diag);
int kpu_object_read(const char *path, kpu_dfx **out, kpu_diag *diag);
/* Written beside the place and renamed, so that there is the old file or the new one. */
int kpu_object_write(const char *path, const kpu_dfx *dfx, kpu_object_format format,
                     kpu_diag *diag);

/* What differs between two programs, one line each: which part, which field, both values. Tensors
 * and kernels belong together by name. *count is the number of differences. KPU_E_MEMORY. */
int kpu_object_compare(const kpu_dfx *a, const kpu_dfx *b, kpu_text *out, int64_t *count);

#ifdef __cplusplus
}
#endif
#endif
