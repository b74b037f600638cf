/* Private to the report: commands of a schedule in some order, as the source of a listing. */
#ifndef KPU_SRC_REPORT_SCHEDULE_LIST_H
#define KPU_SRC_REPORT_SCHEDULE_LIST_H

#include "report/listing.h"
#include "report/schedule_places.h"

typedef struct schedule_list {
    const kpu_schedule *schedule;
    const kpu_list_style *style;
    int64_t *order; /* numbers of commands */
    int64_t count;
} schedule_list;

/* Of two commands of a schedule, in emission order at the same pointers: which comes first. */
typedef int schedule_compare(const kpu_command *a, const kpu_command *b);

/* The commands that the style's steps emit, sorted; NULL: in emission order. fini in any case. */
int schedule_list_make(const kpu_schedule *schedule, const kpu_list_style *style,
                       schedule_compare *compare, schedule_list *out);
void schedule_list_fini(schedule_list *list);

static inline const kpu_command *schedule_list_at(const schedule_list *list, int64_t row)
{
    return &list->schedule->commands[list->order[row]];
}

#endif
