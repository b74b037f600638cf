/* Which combinations of hoists a candidate of the box may have, and what holds for all of them. */
#include <string.h>

#include "mapping/box_bounds.h"

/* A level that chooses: the hoists of each operand, and what is asked of a combination. */
typedef struct choice {
    const box_hoists *hoists; /* [KPU_OPERANDS] */
    int level;
    int64_t capacity_bytes;
    kpu_range above[KPU_OPERANDS]; /* hoists at the level above */
    int64_t most_bytes;            /* candidates choose no combination with more */
} choice;

static bool may_iterate(const box_variant *v, int position)
{
    const box_dimension *d = &v->dim[v->loop_dim[position]];
    return position < KPU_BLOCK_LOOPS ? d->block.low < d->size : d->block.high > d->tile.low;
}

static void list_hoists(const box_variant *v, int operand, box_hoists *out)
{
    out->count = 0;
    for (int p = 0; p <= KPU_NEST; p++)
        if (p == KPU_NEST || (kpu_operand_dims[operand] >> v->loop_dim[p] & 1 && may_iterate(v, p)))
            box_hoist_init(v, operand, p, &out->at[out->count++]);
}

/* A combination, as sums over its operands. */
typedef struct combination {
    const box_hoist *hoist[KPU_OPERANDS];
    kpu_range ring_bytes, link_bytes;
    bool at_least_low, at_least_high; /* no hoist below the smallest, the largest of above */
} combination;

static combination combine(const choice *c, int a, int b, int x)
{
    combination sum = {{&c->hoists[KPU_A].at[a], &c->hoists[KPU_B].at[b], &c->hoists[KPU_C].at[x]},
                       {0, 0},
                       {0, 0},
                       true,
                       true};
    for (int i = 0; i < KPU_OPERANDS; i++) {
        const box_hoist *h = sum.hoist[i];
        sum.ring_bytes.low = kpu_add_saturate(sum.ring_bytes.low, h->ring_bytes[c->level].low);
        sum.ring_bytes.high = kpu_add_saturate(sum.ring_bytes.high, h->ring_bytes[c->level].high);
        sum.link_bytes.low += h->least.in + h->least.out;
        sum.link_bytes.high += h->most;
        sum.at_least_low &= h->position >= c->above[i].low;
        sum.at_least_high &= h->position >= c->above[i].high;
    }
    return sum;
}

/* Every candidate can have this one: none that chooses by bytes will have more. */
static void lower_most(choice *c, const combination *one)
{
    if (one->at_least_high && one->ring_bytes.high <= c->capacity_bytes &&
        one->link_bytes.high < c->most_bytes)
        c->most_bytes = one->link_bytes.high;
}

static void lower(int64_t *to, int64_t value)
{
    *to = value < *to ? value : *to;
}
static void raise(int64_t *to, int64_t value)
{
    *to = value > *to ? value : *to;
}

static void keep(const choice *c, const combination *one, box_level *out)
{
    if (!one->at_least_low || one->ring_bytes.low > c->capacity_bytes ||
        one->link_bytes.low > c->most_bytes)
        return;
    lower(&out->joint_bytes, one->link_bytes.low);
    lower(&out->ring_bytes, one->ring_bytes.low);
    for (int x = 0; x < KPU_OPERANDS; x++) {
        const box_hoist *h = one->hoist[x];
        lower(&out->link[x].in, h->least.in);
        lower(&out->link[x].out, h->least.out);
        lower(&out->position[x].low, h->position);
        raise(&out->position[x].high, h->position);
        raise(&out->window_tiles[x], h->window_tiles);
    }
}

static bool choose(choice *c, bool by_bytes, box_level *out)
{
    *out = (box_level){.joint_bytes = INT64_MAX, .ring_bytes = INT64_MAX};
    for (int x = 0; x < KPU_OPERANDS; x++) {
        out->link[x] = (kpu_link_bytes){INT64_MAX, INT64_MAX};
        out->position[x].low = KPU_NEST;
    }
    c->most_bytes = INT64_MAX;
    for (int keeping = !by_bytes; keeping <= 1; keeping++)
        for (int a = 0; a < c->hoists[KPU_A].count; a++)
            for (int b = 0; b < c->hoists[KPU_B].count; b++)
                for (int x = 0; x < c->hoists[KPU_C].count; x++) {
                    combination one = combine(c, a, b, x);
                    if (keeping)
                        keep(c, &one, out);
                    else
                        lower_most(c, &one);
                }
    return out->joint_bytes < INT64_MAX;
}

bool box_levels_choose(const box_variant *v, box_level out[KPU_HOIST_LEVELS])
{
    const kpu_box *box = v->box;
    bool all_auto = box->one_residency && box->any_auto, given = box->one_residency && !all_auto;
    static const int capacity_of[] = {KPU_LEVEL_L3, KPU_LEVEL_L2};
    box_hoists hoists[KPU_OPERANDS];
    choice c = {.hoists = hoists};
    for (int level = 0; level < KPU_HOIST_LEVELS; level++) {
        for (int x = 0; x < KPU_OPERANDS; x++)
            if (given) {
                hoists[x].count = 1;
                box_hoist_init(v, x, (int)box->hoist[x][level], &hoists[x].at[0]);
            } else if (level == KPU_HOIST_L3) {
                list_hoists(v, x, &hoists[x]);
            }
        c.level = level;
        c.capacity_bytes = kpu_machine_capacity_bytes(v->machine, capacity_of[level]);
        if (!choose(&c, all_auto, &out[level]))
            return false;
        memcpy(c.above, out[level].position, sizeof c.above);
    }
    return true;
}
