/* Private to the simulator: what two moments of eddo of the same shape have in common. */
#ifndef KPU_SRC_SIMULATOR_EDDO_PERIOD_H
#define KPU_SRC_SIMULATOR_EDDO_PERIOD_H

#include "simulator/eddo_moments.h"

/* What happened between two moments happens again. */
typedef struct period {
    int position;              /* in iterations of this loop only */
    int64_t times;             /* at least so many times, > 0 */
    int64_t shift;             /* cycles */
    int64_t step[PLACE_KINDS]; /* what places of a kind move by that move; 0: none does */
} period;

/* `now` is the present state, of the same words as `then`. False if nothing is known to repeat. */
bool period_find(struct eddo *d, const moment *then, const moment *now, period *out);

/* Of actor `number`, as in a shape's index. */
const walk *period_walk(const struct eddo *d, int number);
/* Does the last iteration of the loop differ in nothing from those before it? */
bool period_last_is_alike(const struct eddo *d, const walk *w, int loop);

#endif
