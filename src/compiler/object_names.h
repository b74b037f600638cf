/* Private: finds tensors and kernels by name. */
#ifndef KPU_SRC_COMPILER_OBJECT_NAMES_H
#define KPU_SRC_COMPILER_OBJECT_NAMES_H

#include "kpu/dfx.h"

typedef struct object_name {
    const char *name;
    int32_t index;
} object_name;

/* Borrows names. init/fini; zeroed memory is a valid empty one. */
typedef struct object_names {
    object_name *sorted;
    size_t count;
} object_names;

/* KPU_E_MEMORY */
int kpu_object_names_of_tensors(const kpu_dfx *dfx, object_names *out);
int kpu_object_names_of_kernels(const kpu_dfx *dfx, object_names *out);
void kpu_object_names_fini(object_names *names);
int32_t kpu_object_names_find(const object_names *names, const char *name); /* -1: none */

#endif
