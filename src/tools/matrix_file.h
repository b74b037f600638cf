/* Private to the programs: tensors in files, as .npy or as bare elements, little-endian and
 * row-major. */
#ifndef KPU_SRC_TOOLS_MATRIX_FILE_H
#define KPU_SRC_TOOLS_MATRIX_FILE_H

#include "kpu/dfx.h"

/* Largest tensor that is kept in memory. */
#define KPU_MATRIX_BYTES_MAX (INT64_C(8) << 30)

/* Bytes of a tensor, 1 .. KPU_MATRIX_BYTES_MAX; a complaint if it is larger. */
int kpu_matrix_bytes(const kpu_dfx_tensor *tensor, int64_t *out, kpu_diag *diag);

/* All elements of `tensor` into data[kpu_matrix_bytes]. A file that begins as .npy is one, whatever
 * its name: its shape, type and order have to be those of the tensor. Any other file has exactly
 * the tensor's bytes. KPU_E_INPUT with a complaint that names the file. */
int kpu_matrix_file_read(const char *path, const kpu_dfx_tensor *tensor, void *data,
                         kpu_diag *diag);
/* As .npy if the name ends so, else the bare elements. The file has its name only when it is
 * complete. */
int kpu_matrix_file_write(const char *path, const kpu_dfx_tensor *tensor, const void *data,
                          kpu_diag *diag);

#endif
