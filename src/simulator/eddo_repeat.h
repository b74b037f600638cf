/* Private to the simulator: eddo's fast-forward. When the fabric begins an iteration of a loop, and
 * the state has the shape that it had some iterations before, the events since then repeat for as
 * long as what they find in the nest and in the rings is alike: that many times they are skipped.
 */
#ifndef KPU_SRC_SIMULATOR_EDDO_REPEAT_H
#define KPU_SRC_SIMULATOR_EDDO_REPEAT_H

#include "simulator/eddo.h"

/* Before a run. False: out of memory, or the queues are too long for it to be worth it. */
bool eddo_repeats_start(struct eddo *d);
void eddo_repeats_free(struct eddo_repeats *repeats);
/* Between two events, after the fabric has advanced in loop d->crossed: skips what repeats. */
void eddo_repeat(struct eddo *d);

#endif
