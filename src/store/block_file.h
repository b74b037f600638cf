/* A file whose first part must not change: what is written there is kept in memory, and what is
 * read is what was written. And the HDF5 driver that works on it.
 *
 * HDF5 1.10 does not survive a write that fails: closing the file crashes, or tries again for ever.
 * So the first error is kept here, and what comes after it goes to memory alone; HDF5 closes in
 * peace, and the store looks at `error` after each step. */
#ifndef KPU_STORE_BLOCK_FILE_H
#define KPU_STORE_BLOCK_FILE_H

#include <hdf5.h>

#include "store/overlay.h"

/* Zeroed memory but for the fd is a valid empty one. */
typedef struct kpu_block_file {
    int fd; /* not owned */
    kpu_overlay overlay;
    uint64_t guarded; /* bytes that must not change: whole pages */
    uint64_t length;  /* of the file as HDF5 sees it */
    int error;        /* errno of the first failure, 0: none; the file is not written after it */
} kpu_block_file;

/* Puts the first block, which makes it a file of HDF5, among those that were changed. */
void kpu_block_file_touch(kpu_block_file *file);
/* File access property list that makes H5Fcreate and H5Fopen work on `file`, whatever name they are
 * given. It must outlive the HDF5 file. Negative on failure. */
hid_t kpu_block_file_access(kpu_block_file *file);

#endif
