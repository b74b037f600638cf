/* Names by a balanced tree: a hostile text cannot make it slow. */
#include "compiler/dfx_parser.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

typedef struct named_value {
    const char *name;
    int32_t value;
} named_value;

static int compare(const void *a, const void *b)
{
    const named_value *x = a, *y = b;
    return strcmp(x->name, y->name);
}

bool kpu_dfx_index_add(kpu_dfx_index *index, const char *name, int32_t value)
{
    named_value *added = malloc(sizeof *added);
    if (!added)
        return false;
    *added = (named_value){name, value};
    named_value **found = tsearch(added, &index->tree, compare);
    if (!found || *found != added)
        free(added);
    return found != NULL;
}

int32_t kpu_dfx_index_find(const kpu_dfx_index *index, const char *name)
{
    const named_value wanted = {.name = name};
    named_value **found = tfind(&wanted, &index->tree, compare);
    return found ? (*found)->value : -1;
}

void kpu_dfx_index_fini(kpu_dfx_index *index)
{
    tdestroy(index->tree, free);
    index->tree = NULL;
}
