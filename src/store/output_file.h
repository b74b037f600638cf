/* A file that has its name only when it is whole; until then it is FILE.partial, in the same
 * folder. */
#ifndef KPU_STORE_OUTPUT_FILE_H
#define KPU_STORE_OUTPUT_FILE_H

#include "kpu/base.h"

typedef struct kpu_output_file {
    char *path;       /* the name that it gets at the end */
    char *partial;    /* the name that it has until then */
    const char *what; /* "results", for complaints; not copied */
    bool force;       /* may replace `path` */
    int fd;
} kpu_output_file;

/* The names alone; KPU_E_INPUT: `path` cannot be written, or may not be replaced. */
int kpu_output_file_init(const char *path, const char *what, bool force, kpu_output_file *out,
                         kpu_diag *diag);
/* Whether `path` has come into being meanwhile, if it may not be replaced. */
int kpu_output_file_check(const kpu_output_file *output, kpu_diag *diag);
/* Closes, frees; leaves the file. Takes a zeroed one whose fd is -1. */
void kpu_output_file_release(kpu_output_file *output);

/* The same, and makes the partial file; one of a process that is no more is taken over. */
int kpu_output_file_create(const char *path, const char *what, bool force, kpu_output_file *out,
                           kpu_diag *diag);
/* When nothing is written any more: on the disk, with its name; releases. On failure (error: an
 * errno of writing, 0: none) nothing is left. */
int kpu_output_file_commit(kpu_output_file *output, int error, kpu_diag *diag);
/* When nothing is written any more: closes and removes the partial file; releases. */
void kpu_output_file_discard(kpu_output_file *output);

/* Gives it its name; on failure it stays, and the complaint says where. */
int kpu_output_file_rename(const kpu_output_file *output, kpu_diag *diag);
/* "FILE: error: DOING: No space left on device; ..."; returns KPU_E_IO. */
int kpu_output_file_complain(const kpu_output_file *output, int error, const char *doing,
                             kpu_diag *diag);
/* The same while writing. */
int kpu_output_file_complain_write(const kpu_output_file *output, int error, kpu_diag *diag);
/* The same while creating: KPU_E_INPUT if another name might do. */
int kpu_output_file_complain_create(const kpu_output_file *output, int error, kpu_diag *diag);

#endif
