/* Private to the simulator: eddo's fast-forward. As the fabric begins an iteration of a loop, the
 * state may have a shape that it had before. Then either the events since that moment repeat, for
 * as long as what they find in the nest and in the rings is alike; or those follow that followed
 * then. Both are skipped. */
#ifndef KPU_SRC_SIMULATOR_EDDO_REPEAT_H
#define KPU_SRC_SIMULATOR_EDDO_REPEAT_H

#include "simulator/eddo.h"

/* Before a run. False: out of memory, or its shapes are too large to be worth it. */
bool eddo_repeats_start(struct eddo *d);
void eddo_repeats_free(struct eddo_repeats *repeats);
/* Between two events, after the fabric has advanced in loop d->crossed: skips what it can. */
void eddo_repeat(struct eddo *d);

#endif
