/* What the files of the writing side share. */
#ifndef KPU_STORE_STORE_H
#define KPU_STORE_STORE_H

#include <hdf5.h>

#include "kpu/store.h"
#include "store/chunk.h"
#include "store/durable_file.h"

/* Rows of a chunk, and of the buffer. Measured: 1,024 to 16,384 write equally fast; larger ones
 * compress a little better and cost more memory and more of a killed run. */
enum { KPU_STORE_CHUNK_ROWS = 4096 };
/* Values from one column of the buffer to the next: were it a power of two, a row would fall into
 * one set of the cache and push itself out. */
enum { KPU_STORE_STRIDE = KPU_STORE_CHUNK_ROWS + 8 };

struct kpu_store {
    kpu_durable_file durable;
    hid_t file;
    kpu_column *columns;
    hid_t *datasets;
    size_t count;
    kpu_metric_value *buffer; /* column by column, KPU_STORE_STRIDE each */
    kpu_chunk_encoder encoder;
    int64_t base;                    /* rows in complete chunks */
    int64_t buffered;                /* rows in the buffer: the chunk that begins at `base` */
    int64_t stored;                  /* how many of them are in the file too */
    bool changed;                    /* since the last commit */
    double last_commit, commit_cost; /* seconds: when it began, how long it took */
    double last_beat;                /* when we showed that we live, without a commit */
    int failed;                      /* kpu_error of the first failure: nothing is written after */
};

/* Its memory; the files are closed. */
void kpu_store_free(kpu_store *store);
/* The groups in which columns of rows may be. */
extern const char *const kpu_store_row_groups[];
enum { KPU_STORE_ROW_GROUPS = 2 };

/* Notes and reports a failed step; returns its code. */
int kpu_store_fail(kpu_store *store, int code, const char *doing, kpu_diag *diag);
/* KPU_OK if HDF5 said yes and everything reached the disk. */
int kpu_store_check(kpu_store *store, herr_t status, const char *doing, kpu_diag *diag);

#endif
