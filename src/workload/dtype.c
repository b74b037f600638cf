/* Element types: names, sizes, in what their products are summed. */
#include "kpu/dtype.h"

#include <string.h>

/* Of one row below: bytes of `others`, and how many names. */
enum { NAMES_BYTES = 32, NAMES_EACH = 5 };

static const struct {
    const char *name, *others; /* others: separated by blanks */
    int64_t bytes;
    bool floating;
} dtypes[KPU_DTYPES] = {
#define KPU_X(name, text, others, bytes, floating) {text, others, bytes, floating},
    KPU_DTYPE_LIST(KPU_X)
#undef KPU_X
};

const char *kpu_dtype_name(int dtype)
{
    return dtypes[dtype].name;
}

int64_t kpu_dtype_bytes(int dtype)
{
    return dtypes[dtype].bytes;
}

bool kpu_dtype_is_float(int dtype)
{
    return dtypes[dtype].floating;
}

static bool is_among(const char *name, const char *list)
{
    size_t length = strlen(name);
    while (*list != '\0') {
        size_t word = strcspn(list, " ");
        if (word == length && memcmp(list, name, length) == 0)
            return true;
        list += word + strspn(list + word, " ");
    }
    return false;
}

int kpu_dtype_find(const char *name)
{
    for (int t = 0; t < KPU_DTYPES; t++) {
        if (strcmp(dtypes[t].name, name) == 0 || is_among(name, dtypes[t].others))
            return t;
    }
    return -1;
}

const char *kpu_dtype_nearest(const char *name)
{
    char words[KPU_DTYPES * NAMES_BYTES];
    const char *all[KPU_DTYPES * NAMES_EACH];
    size_t count = 0;
    for (int t = 0; t < KPU_DTYPES; t++) {
        all[count++] = dtypes[t].name;
        char *rest = NULL, *list = words + t * NAMES_BYTES;
        memcpy(list, dtypes[t].others, strlen(dtypes[t].others) + 1);
        for (char *word = strtok_r(list, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
            all[count++] = word;
    }
    const char *nearest = kpu_nearest_name(name, all, count);
    return nearest ? dtypes[kpu_dtype_find(nearest)].name : NULL;
}

int kpu_dtype_partial(int a, int b, int c)
{
    if (a == KPU_BOOL || b == KPU_BOOL || c == KPU_BOOL)
        return -1;
    if (dtypes[a].floating != dtypes[b].floating || dtypes[a].floating != dtypes[c].floating)
        return -1;
    if (dtypes[a].floating)
        return a == KPU_F64 || b == KPU_F64 || c == KPU_F64 ? KPU_F64 : KPU_F32;
    bool wide = dtypes[a].bytes >= 4 || dtypes[b].bytes >= 4 || dtypes[c].bytes > 4;
    return wide ? KPU_I64 : KPU_I32;
}
