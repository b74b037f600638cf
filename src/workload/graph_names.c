/* Names: what is one, and finding things by theirs. */
#include "workload/graph_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NEAREST_MAX = 1000 }; /* among more names a hint is not worth the time */

const char *kpu_graph_name_fault(const char *text, size_t max_bytes)
{
    size_t bytes = strlen(text);
    if (bytes > max_bytes)
        return "is too long";
    if (kpu_text_first_junk(text, bytes) < bytes)
        return "has a character in it that is no text";
    if (bytes > 0 && (strchr(" \t", text[0]) || strchr(" \t", text[bytes - 1])))
        return "begins or ends with a blank";
    return NULL;
}

const char *kpu_graph_shape_fault(const kpu_tensor *type)
{
    int64_t bytes = kpu_dtype_bytes(type->dtype);
    for (int d = 0; d < type->rank; d++) {
        if (type->shape[d] < 1 || type->shape[d] > KPU_WORKLOAD_DIM_MAX)
            return "a dimension is not from 1 to 2^40";
        if (kpu_mul_overflows(bytes, type->shape[d], &bytes) || bytes > KPU_WORKLOAD_PRODUCT_MAX)
            return "a tensor of more than 2^62 bytes";
    }
    return NULL;
}

bool kpu_graph_same_type(const kpu_tensor *a, const kpu_tensor *b)
{
    return a->dtype == b->dtype && a->rank == b->rank &&
           memcmp(a->shape, b->shape, (size_t)a->rank * sizeof a->shape[0]) == 0;
}

void kpu_graph_type_text(const kpu_tensor *type, char text[KPU_GRAPH_TYPE_TEXT])
{
    size_t at = (size_t)snprintf(text, KPU_GRAPH_TYPE_TEXT, "tensor<");
    for (int d = 0; d < type->rank; d++)
        at += (size_t)snprintf(text + at, KPU_GRAPH_TYPE_TEXT - at, "%lldx",
                               (long long)type->shape[d]);
    snprintf(text + at, KPU_GRAPH_TYPE_TEXT - at, "%s>", kpu_dtype_name(type->dtype));
}

int kpu_name_index_init(kpu_name_index *index, size_t count, kpu_diag *diag)
{
    index->entries = calloc(count ? count : 1, sizeof *index->entries);
    index->count = 0;
    return index->entries ? KPU_OK : kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
}

void kpu_name_index_fini(kpu_name_index *index)
{
    free(index->entries);
    *index = (kpu_name_index){0};
}

static int compare(const void *a, const void *b)
{
    const kpu_name_index_entry *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : (x->number > y->number) - (x->number < y->number);
}

void kpu_name_index_sort(kpu_name_index *index)
{
    qsort(index->entries, index->count, sizeof *index->entries, compare);
}

int32_t kpu_name_index_find(const kpu_name_index *index, const char *name)
{
    size_t low = 0, high = index->count; /* the first that is not before `name` */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(index->entries[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < index->count && strcmp(index->entries[low].name, name) == 0;
    return found ? index->entries[low].number : -1;
}

const char *kpu_name_index_nearest(const kpu_name_index *index, const char *name)
{
    const char *names[NEAREST_MAX];
    if (index->count > NEAREST_MAX)
        return NULL;
    for (size_t i = 0; i < index->count; i++)
        names[i] = index->entries[i].name;
    return kpu_nearest_name(name, names, index->count);
}
