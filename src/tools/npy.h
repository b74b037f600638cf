/* Private to the programs: the header of a .npy file (NumPy's format, versions 1 to 3). */
#ifndef KPU_SRC_TOOLS_NPY_H
#define KPU_SRC_TOOLS_NPY_H

#include "kpu/dtype.h"
#include "kpu/graph.h"

enum {
    KPU_NPY_FIRST_BYTES = 12,      /* enough to know how long the header is */
    KPU_NPY_HEADER_MAX = 64 * 1024 /* of the whole header; more is refused */
};

typedef struct kpu_npy {
    char kind; /* 'f', 'i', 'u', 'b', or 'V': bytes that NumPy gives no meaning */
    int item_bytes;
    bool fortran_order;
    int rank;
    int64_t shape[KPU_RANK_MAX];
    size_t data_offset; /* the elements begin here */
} kpu_npy;

/* Whether a file of these first bytes is a .npy file. */
bool kpu_npy_is(const void *data, size_t bytes);
/* How long the header is, of its first KPU_NPY_FIRST_BYTES bytes; 0: an unknown version, or longer
 * than KPU_NPY_HEADER_MAX. */
size_t kpu_npy_header_bytes(const void *data);
/* The header of a file that begins with `data`. Complaints name `path` and the byte. */
int kpu_npy_parse(const char *path, const void *data, size_t bytes, kpu_npy *out, kpu_diag *diag);
/* Whether the elements are of that type. Types that NumPy lacks (bf16) are kept as bytes without a
 * meaning or as unsigned integers of their size. */
bool kpu_npy_holds(const kpu_npy *npy, int dtype);
/* A header of version 1 for a row-major array, a multiple of 64 bytes. */
void kpu_npy_put_header(kpu_text *out, int dtype, const int64_t *shape, int rank);

#endif
