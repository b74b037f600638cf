#include "simulator/eddo_repeat.h"
bool eddo_repeats_start(struct eddo *d)
{
    (void)d;
    return false;
}
void eddo_repeats_free(struct eddo_repeats *repeats)
{
    (void)repeats;
}
void eddo_repeat(struct eddo *d)
{
    d->crossed = KPU_NEST;
}
