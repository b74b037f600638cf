/* The file under its temporary name, and the HDF5 driver that writes into it.
 *
 * HDF5 1.10 does not survive a write that fails: closing the file crashes, or tries again for ever.
 * So the driver keeps the first error to itself and from then on drops what it is given; HDF5
 * closes in peace, and the store looks at `error` after each step. */
#ifndef KPU_STORE_OUTPUT_FILE_H
#define KPU_STORE_OUTPUT_FILE_H

#include <hdf5.h>
#include <stdbool.h>

#include "kpu/base.h"

typedef struct kpu_output_file {
    char *path;       /* the name that it gets at the end */
    char *partial;    /* the name that it has until then, in the same folder */
    const char *what; /* "results", for complaints */
    bool force;       /* may replace `path` */
    int fd;
    int error; /* errno of the first failed write, 0: none; nothing is written after it */
} kpu_output_file;

/* Creates `path`.partial-PID. On failure nothing is left behind. */
int kpu_output_file_create(const char *path, const char *what, bool force, kpu_output_file *out,
                           kpu_diag *diag);
/* File access property list that makes H5Fcreate(output->partial, H5F_ACC_TRUNC, ...) write here.
 * `output` must outlive the HDF5 file. Negative on failure. */
hid_t kpu_output_file_access(kpu_output_file *output);
/* When nothing is written any more: syncs, renames, syncs the folder, closes. */
int kpu_output_file_commit(kpu_output_file *output, kpu_diag *diag);
/* When nothing is written any more: closes and removes the partial file. */
void kpu_output_file_discard(kpu_output_file *output);
/* "No space left on device" complaint about output->error, or about HDF5's own error stack. */
int kpu_output_file_complain(const kpu_output_file *output, const char *doing, kpu_diag *diag);
/* The same while writing. */
int kpu_output_file_complain_write(const kpu_output_file *output, kpu_diag *diag);

#endif
