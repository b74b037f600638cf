/* Which tile sizes are worth considering along a dimension. */
#include <stdlib.h>

#include "explorer/tiling.h"

/* Up to this size every tile size is considered; beyond it, so many multiples of the array, and so
 * many equal parts. */
enum { DENSE = 64 };

typedef struct size_list {
    int64_t dim;      /* the dimension's size */
    int64_t smallest; /* that max_tiles_per_dim allows */
    kpu_tile_sizes *out;
} size_list;

static void add(size_list *list, int64_t size)
{
    bool fits = size >= list->smallest && size >= 1 && size <= list->dim;
    if (fits && list->out->count < KPU_TILE_SIZES_MAX)
        list->out->size[list->out->count++] = size;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void sort_and_unite(kpu_tile_sizes *sizes)
{
    size_t kept = 0;
    qsort(sizes->size, sizes->count, sizeof *sizes->size, compare);
    for (size_t i = 0; i < sizes->count; i++)
        if (i == 0 || sizes->size[i] != sizes->size[kept - 1])
            sizes->size[kept++] = sizes->size[i];
    sizes->count = kept;
}

static int64_t round_up(int64_t size, int64_t array)
{
    return kpu_ceil_div(size, array) * array;
}

/* Whole arrays in powers of two, and halves, quarters, ... of the dimension in whole arrays. */
static void add_coarse(size_list *list, int64_t array)
{
    add(list, list->dim);
    for (int64_t size = array; size < list->dim; size *= 2)
        add(list, size);
    for (int64_t part = kpu_ceil_div(list->dim, 2); part > array; part = kpu_ceil_div(part, 2))
        add(list, round_up(part, array));
}

static void add_powers_of_two(size_list *list, int64_t below)
{
    for (int64_t size = 1; size < below && size <= list->dim; size *= 2)
        add(list, size);
}

static void add_all(size_list *list, int64_t array)
{
    for (int64_t n = 1; n <= DENSE; n++) {
        if (list->dim <= DENSE)
            add(list, n);
        else
            add(list, n * array);
        add(list, kpu_ceil_div(list->dim, n));
        add(list, round_up(kpu_ceil_div(list->dim, n), array));
    }
    add_powers_of_two(list, INT64_MAX / 2);
}

void kpu_tile_sizes_make(const kpu_tiling_question *question, int dim, kpu_tile_detail detail,
                         kpu_tile_sizes *out)
{
    const kpu_machine *machine = question->machine;
    /* A dimension that lies across the columns for one dataflow lies across the rows for another;
     * K only across rows. */
    const int64_t array = dim == KPU_N ? machine->fabric_cols : machine->fabric_rows;
    int64_t size = question->problem->dim[dim], most = question->limits.max_tiles_per_dim;
    size_list list = {.dim = size, .smallest = most > 0 ? kpu_ceil_div(size, most) : 1, .out = out};
    out->count = 0;
    add_coarse(&list, array);
    if (dim == KPU_M && machine->fabric_cols != array)
        add_coarse(&list, machine->fabric_cols);
    if (detail >= KPU_TILES_FINE)
        add_powers_of_two(&list, array);
    if (detail == KPU_TILES_ALL) {
        add_all(&list, array);
        if (dim == KPU_M && machine->fabric_cols != array)
            add_all(&list, machine->fabric_cols);
    }
    sort_and_unite(out);
}

/* ---- Elements ---------------------------------------------------------------------------- */

static const uint8_t rows_of[KPU_OPERANDS] = {KPU_M, KPU_K, KPU_M};
static const uint8_t columns_of[KPU_OPERANDS] = {KPU_K, KPU_N, KPU_N};

void kpu_tile_least_elements(const kpu_tiling_question *question, int64_t least[KPU_OPERANDS])
{
    for (int x = 0; x < KPU_OPERANDS; x++) {
        const int64_t *dim = question->problem->dim;
        int64_t whole = dim[rows_of[x]] * dim[columns_of[x]];
        int64_t asked = question->limits.min_tile_elements;
        least[x] = asked < whole ? asked : whole;
    }
}

bool kpu_tile_is_allowed(const kpu_tiling_question *question, const int64_t tile[KPU_DIMS])
{
    int64_t least[KPU_OPERANDS];
    kpu_tile_least_elements(question, least);
    for (int x = 0; x < KPU_OPERANDS; x++)
        if (tile[rows_of[x]] * tile[columns_of[x]] < least[x])
            return false;
    return true;
}
