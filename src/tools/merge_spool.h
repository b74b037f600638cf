/* Private to the program: rows of many files at hand at once, whatever their number. Each file is
 * read by whole chunks, one file open at a time; what was read waits in memory if the files are
 * few, else in a file without a name. */
#ifndef KPU_SRC_TOOLS_MERGE_SPOOL_H
#define KPU_SRC_TOOLS_MERGE_SPOOL_H

#include "kpu/store.h"

/* Rows of a tile, in which the values of a column lie side by side; tiles of a batch. */
enum { KPU_SPOOL_TILE = 16, KPU_SPOOL_BATCH_MAX = 256 };

typedef struct kpu_spool_file {
    const char *path;
    int64_t rows;
    int64_t next;                 /* row of the current tile's first */
    int64_t end;                  /* rows before it were read from the file */
    const kpu_metric_value *tile; /* the current tile: value of row r in column c at
                                     [c * KPU_SPOOL_TILE + r]; NULL: none yet */
    kpu_metric_value *copy;       /* where it is if it came from the spool's file */
} kpu_spool_file;

typedef struct kpu_spool {
    kpu_spool_file *files;
    size_t count, columns;
    size_t tiles;             /* of a batch */
    kpu_metric_value *memory; /* batches of all files; NULL: they are in `fd` */
    int fd;                   /* -1: none */
    char *folder;
    kpu_metric_value *column, *batch; /* scratch: a column, and a batch, as they come */
} kpu_spool;

/* `paths` and `rows` of each file, all with `columns` columns. kpu_spool_fini in any case. */
int kpu_spool_init(kpu_spool *spool, size_t count, size_t columns, const char *folder,
                   kpu_diag *diag);
void kpu_spool_fini(kpu_spool *spool);
/* The tile behind the current one of a file that has one: rows file->next on. */
int kpu_spool_advance(kpu_spool *spool, kpu_spool_file *file, kpu_diag *diag);

#endif
