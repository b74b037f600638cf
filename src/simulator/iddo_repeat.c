#include "simulator/iddo.h"
struct repeats *repeats_start(kpu_simulator *s)
{
    (void)s;
    return NULL;
}
void repeats_free(struct repeats *r)
{
    (void)r;
}
void repeats_at_loop(pass *p)
{
    (void)p;
}
int64_t repeats_at_step(pass *p, int64_t i, int64_t t)
{
    (void)p;
    (void)i;
    (void)t;
    return 0;
}
bool repeats_in_sweep(pass *p)
{
    (void)p;
    return false;
}
void repeats_leave_sweep(pass *p)
{
    (void)p;
}
