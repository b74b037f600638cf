/* Private to the report: how long every slot of every memory holds a tile, found from the commands
 * alone. */
#ifndef KPU_SRC_REPORT_SLOT_USES_H
#define KPU_SRC_REPORT_SLOT_USES_H

#include "report/schedule_places.h"

/* From the start of what writes first until the last of those that use it is no longer busy. */
typedef struct slot_use {
    int place, operand; /* PLACE_L3, ... */
    int64_t slot;
    int64_t first, last; /* commands: that writes first, that ends last */
    int64_t start, end;
} slot_use;

/* Tells of each use once. KPU_OK, KPU_E_MEMORY, or what `take` returns. */
typedef int slot_use_take(void *context, const slot_use *use);
int slot_uses_find(const kpu_schedule *schedule, slot_use_take *take, void *context);

#endif
