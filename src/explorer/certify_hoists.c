/* docs/bounds.md, "Hoists". */
#include "explorer/certify_bounds.h"

typedef struct option {
    int64_t hoist;
    kpu_certify_span ring;
    kpu_certify_bytes lo;
    int64_t bytes_lo, bytes_hi; /* in and out */
    int64_t slots;
} option;

typedef struct options {
    option of[KPU_OPERANDS][KPU_NEST + 1];
    int count[KPU_OPERANDS];
} options;

/* One option of each operand. */
typedef struct combination {
    const option *of[KPU_OPERANDS];
    int64_t ring_lo, ring_hi, bytes_lo, bytes_hi;
} combination;

static void add_option(const kpu_certify_variant *v, int level, int operand, int p, options *out)
{
    option *o = &out->of[operand][out->count[operand]++];
    kpu_certify_bytes hi = kpu_certify_link_bytes(v, operand, p, true);
    o->hoist = p;
    o->ring = kpu_certify_ring_bytes(v, operand, level, p);
    o->lo = kpu_certify_link_bytes(v, operand, p, false);
    o->bytes_lo = sum(o->lo.in, o->lo.out);
    o->bytes_hi = sum(hi.in, hi.out);
    o->slots =
        sum(kpu_certify_window_tiles(v, operand, p), v->hull->buffers[operand][level].hi - 1);
}

static bool is_of(int operand, int dim)
{
    return dim != kpu_certify_dim_lacking(operand);
}

static void list_options(const kpu_certify_variant *v, int level, options *out)
{
    for (int x = 0; x < KPU_OPERANDS; x++) {
        out->count[x] = 0;
        if (v->hull->same_hoists) {
            add_option(v, level, x, (int)v->hull->hoist[x][level], out);
            continue;
        }
        for (int p = 0; p < KPU_NEST; p++)
            if (is_of(x, v->loop[p]) && kpu_certify_perhaps_iterates(v, p))
                add_option(v, level, x, p, out);
        add_option(v, level, x, KPU_NEST, out);
    }
}

/* The n-th combination; false if there are no more. */
static bool combine(const options *all, int n, combination *out)
{
    *out = (combination){0};
    for (int x = 0; x < KPU_OPERANDS; x++) {
        const option *o = &all->of[x][n % all->count[x]];
        n /= all->count[x];
        out->of[x] = o;
        out->ring_lo = sum(out->ring_lo, o->ring.lo);
        out->ring_hi = sum(out->ring_hi, o->ring.hi);
        out->bytes_lo = sum(out->bytes_lo, o->bytes_lo);
        out->bytes_hi = sum(out->bytes_hi, o->bytes_hi);
    }
    return n == 0;
}

/* Whether every hoist is at least that of the operand in `hoists`; NULL: all are. */
static bool reaches(const combination *c, const int64_t *hoists)
{
    for (int x = 0; x < KPU_OPERANDS && hoists; x++)
        if (c->of[x]->hoist < hoists[x])
            return false;
    return true;
}

/* No candidate moves more bytes than this: it could have what moves so few. */
static int64_t find_best(const options *all, int64_t capacity, const int64_t *from)
{
    int64_t best = INT64_MAX;
    combination c;
    for (int n = 0; combine(all, n, &c); n++)
        if (c.ring_hi <= capacity && reaches(&c, from))
            best = least(best, c.bytes_hi);
    return best;
}

static void keep(const combination *c, kpu_certify_level *out)
{
    out->joint = least(out->joint, c->bytes_lo);
    out->footprint = least(out->footprint, c->ring_lo);
    for (int x = 0; x < KPU_OPERANDS; x++) {
        const option *o = c->of[x];
        out->bytes[x].in = least(out->bytes[x].in, o->lo.in);
        out->bytes[x].out = least(out->bytes[x].out, o->lo.out);
        out->slots[x] = largest(out->slots[x], o->slots);
        out->smallest[x] = least(out->smallest[x], o->hoist);
        out->most[x] = largest(out->most[x], o->hoist);
    }
}

bool kpu_certify_hoists(const kpu_certify_variant *v, int level, const kpu_certify_level *above,
                        kpu_certify_level *out)
{
    int64_t capacity =
        kpu_machine_capacity_bytes(v->machine, level == KPU_HOIST_L3 ? KPU_LEVEL_L3 : KPU_LEVEL_L2);
    options all;
    combination c;
    bool found = false;
    list_options(v, level, &all);
    int64_t best =
        v->hull->all_auto ? find_best(&all, capacity, above ? above->most : NULL) : INT64_MAX;
    *out = (kpu_certify_level){.joint = INT64_MAX, .footprint = INT64_MAX};
    for (int x = 0; x < KPU_OPERANDS; x++) {
        out->bytes[x] = (kpu_certify_bytes){INT64_MAX, INT64_MAX};
        out->smallest[x] = KPU_NEST;
    }
    for (int n = 0; combine(&all, n, &c); n++) {
        if (c.ring_lo > capacity || !reaches(&c, above ? above->smallest : NULL) ||
            c.bytes_lo > best)
            continue;
        keep(&c, out);
        found = true;
    }
    return found;
}
