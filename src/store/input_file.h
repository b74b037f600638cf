/* FILE.partial, to be read: as its last commit left it, whatever its writer does meanwhile, or was
 * doing when it was killed. */
#ifndef KPU_STORE_INPUT_FILE_H
#define KPU_STORE_INPUT_FILE_H

#include "store/block_file.h"
#include "store/journal.h"

typedef struct kpu_input_file {
    kpu_block_file blocks; /* owns its fd; what the journal says of the file is its overlay */
    kpu_journal_header state;
} kpu_input_file;

/* KPU_OK with NULL: there is no journal beside it, so it is a file like others. */
int kpu_input_file_open(const char *path, kpu_input_file **out, kpu_diag *diag);
void kpu_input_file_close(kpu_input_file *file); /* when HDF5 has closed it; takes NULL */

#endif
