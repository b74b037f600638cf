/* Private to the simulator: what followed a moment of eddo follows another one. */
#ifndef KPU_SRC_SIMULATOR_EDDO_REPLAY_H
#define KPU_SRC_SIMULATOR_EDDO_REPLAY_H

#include "simulator/eddo_moments.h"

/* From one moment to another of the same words, all that is counted lies a constant apart. */
typedef struct replay {
    int64_t cycles;
    int64_t place[PLACE_KINDS];
    int64_t index[EDDO_ACTORS][KPU_NEST];
} replay;

/* The latest moment that is known to have followed `old` in such a way that it follows the draft,
 * which is the present state and has the same words, that far apart. NULL: none. */
const moment *replay_find(struct eddo *d, const moments *m, const moment *old, replay *out);

#endif
