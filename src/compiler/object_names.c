#include "compiler/object_names.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
    const object_name *left = a, *right = b;
    int order = strcmp(left->name, right->name);
    return order ? order : (left->index > right->index) - (left->index < right->index);
}

static int make(size_t count, object_names *out)
{
    *out = (object_names){0};
    if (count > 0)
        out->sorted = calloc(count, sizeof *out->sorted);
    if (count > 0 && !out->sorted)
        return KPU_E_MEMORY;
    out->count = count;
    return KPU_OK;
}

int kpu_object_names_of_tensors(const kpu_dfx *dfx, object_names *out)
{
    int status = make(dfx->tensor_count, out);
    for (size_t i = 0; i < out->count; i++)
        out->sorted[i] = (object_name){dfx->tensors[i].name, (int32_t)i};
    if (out->count > 1)
        qsort(out->sorted, out->count, sizeof *out->sorted, compare);
    return status;
}

int kpu_object_names_of_kernels(const kpu_dfx *dfx, object_names *out)
{
    int status = make(dfx->kernel_count, out);
    for (size_t i = 0; i < out->count; i++)
        out->sorted[i] = (object_name){dfx->kernels[i].name, (int32_t)i};
    if (out->count > 1)
        qsort(out->sorted, out->count, sizeof *out->sorted, compare);
    return status;
}

void kpu_object_names_fini(object_names *names)
{
    free(names->sorted);
    *names = (object_names){0};
}

static int compare_name(const void *key, const void *row)
{
    return strcmp(key, ((const object_name *)row)->name);
}

int32_t kpu_object_names_find(const object_names *names, const char *name)
{
    const object_name *found = NULL;
    if (names->count > 0)
        found = bsearch(name, names->sorted, names->count, sizeof *found, compare_name);
    return found ? found->index : -1;
}
