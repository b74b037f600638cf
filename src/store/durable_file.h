/* A file that is, whenever the process or the machine dies, what the last commit left
 * (docs/durability.md): FILE.partial, its journal, and what is in memory of them. */
#ifndef KPU_STORE_DURABLE_FILE_H
#define KPU_STORE_DURABLE_FILE_H

#include "store/block_file.h"
#include "store/journal.h"
#include "store/output_file.h"

typedef struct kpu_durable_file {
    kpu_output_file output;
    kpu_block_file blocks; /* what HDF5 writes to; its fd is output's */
    kpu_journal journal;
    kpu_record record;        /* the latest */
    kpu_journal_header state; /* what the next one says, but for its blocks */
    unsigned char *bytes;     /* of the caller: state.byte_count */
    bool is_taken;            /* another process writes the file now */
    bool pending;             /* the latest is not in the file: somebody reads that */
    double last_try;          /* seconds: to put it there */
    double next_copy;         /* seconds: not before, if it can wait */
} kpu_durable_file;

/* As kpu_store_create and kpu_store_resume say. On failure nothing is left but what was there. */
int kpu_durable_file_create(const char *path, bool force, kpu_durable_file *out, kpu_diag *diag);
int kpu_durable_file_resume(const char *path, kpu_durable_file *out, kpu_diag *diag);
/* The lock alone; close ends it. And: removes what runs have left. An errno. */
int kpu_durable_file_take(const char *path, kpu_durable_file *out, kpu_diag *diag);
int kpu_durable_file_sweep(kpu_durable_file *file);
/* The bytes that the next commit has; false: out of memory, and they are as they were. */
bool kpu_durable_file_set_bytes(kpu_durable_file *file, const void *bytes, size_t count);
/* When HDF5 has flushed. After a failure, blocks.error is set. */
int kpu_durable_file_commit(kpu_durable_file *file, kpu_diag *diag);
/* Between commits: puts the latest one into the file, if a reader was in the way. An errno. */
int kpu_durable_file_catch_up(kpu_durable_file *file);
/* When HDF5 has closed it: commits, gives it its name; releases. */
int kpu_durable_file_finish(kpu_durable_file *file, kpu_diag *diag);
/* When HDF5 has closed it: leaves what was committed; releases. */
void kpu_durable_file_close(kpu_durable_file *file);
/* When HDF5 has closed it: removes all of it; releases. */
void kpu_durable_file_discard(kpu_durable_file *file);
/* "FILE: error: DOING: ...": blocks.error, or else HDF5's own complaint. Returns KPU_E_IO. */
int kpu_durable_file_complain(const kpu_durable_file *file, const char *doing, kpu_diag *diag);

#endif
