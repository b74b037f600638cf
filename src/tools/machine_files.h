/* Private to the program: machines by file or by name. */
#ifndef KPU_SRC_TOOLS_MACHINE_FILES_H
#define KPU_SRC_TOOLS_MACHINE_FILES_H

#include "kpu/machine.h"

/* Names (without .ini) of the machine files of a folder, sorted. */
typedef struct kpu_machine_files {
    char *folder;
    char **names;
    size_t count;
} kpu_machine_files;

/* folder NULL: ./configs, or where they are installed. */
int kpu_machine_files_list(const char *folder, kpu_machine_files *out, kpu_diag *diag);
void kpu_machine_files_fini(kpu_machine_files *files);

/* The path of a machine that is given as a path (with a slash or .ini) or as a name; malloc. */
int kpu_machine_files_find(const char *machine, char **path, kpu_diag *diag);

#endif
