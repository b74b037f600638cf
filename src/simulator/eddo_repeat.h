/* Private to the simulator: eddo's fast-forward. */
#ifndef KPU_SRC_SIMULATOR_EDDO_REPEAT_H
#define KPU_SRC_SIMULATOR_EDDO_REPEAT_H

#include "simulator/eddo.h"

bool eddo_repeats_start(struct eddo *d);
void eddo_repeats_free(struct eddo_repeats *repeats);
void eddo_repeat(struct eddo *d);

#endif
