#include "report/schedule_list.h"

#include <stdlib.h>

/* Commands lie in emission order, so that an equal pair is told apart by its place. A merge sort,
 * because qsort hands its comparison no context. */
static bool comes_first(const schedule_list *l, schedule_compare *compare, int64_t a, int64_t b)
{
    int order = compare(&l->schedule->commands[a], &l->schedule->commands[b]);
    return order < 0 || (order == 0 && a <= b);
}

static void merge(const schedule_list *l, schedule_compare *compare, int64_t first, int64_t width,
                  int64_t *out)
{
    int64_t middle = first + width < l->count ? first + width : l->count;
    int64_t end = middle + width < l->count ? middle + width : l->count;
    int64_t a = first, b = middle;
    for (int64_t at = first; at < end; at++) {
        bool left = a < middle && (b == end || comes_first(l, compare, l->order[a], l->order[b]));
        out[at] = l->order[left ? a++ : b++];
    }
}

static int sort(schedule_list *l, schedule_compare *compare)
{
    int64_t *other = calloc((size_t)l->count + 1, sizeof *other);
    if (!other)
        return KPU_E_MEMORY;
    for (int64_t width = 1; width < l->count; width *= 2) {
        for (int64_t first = 0; first < l->count; first += 2 * width)
            merge(l, compare, first, width, other);
        int64_t *sorted = other;
        other = l->order;
        l->order = sorted;
    }
    free(other);
    return KPU_OK;
}

int schedule_list_make(const kpu_schedule *schedule, const kpu_list_style *style,
                       schedule_compare *compare, schedule_list *out)
{
    *out = (schedule_list){.schedule = schedule, .style = style};
    out->order = calloc((size_t)schedule->command_count + 1, sizeof *out->order);
    if (!out->order)
        return KPU_E_MEMORY;
    for (int64_t i = 0; i < schedule->command_count; i++) {
        int64_t step = schedule->commands[i].step;
        if (step >= style->first_step && step <= style->last_step)
            out->order[out->count++] = i;
    }
    return compare ? sort(out, compare) : KPU_OK;
}

void schedule_list_fini(schedule_list *list)
{
    free(list->order);
    *list = (schedule_list){0};
}
