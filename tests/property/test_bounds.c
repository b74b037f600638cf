/* test_bounds.c - no candidate goes below the bounds of its mapping, nor below those of any box
 * that it lies in, in cycles, bytes, footprint and every metric that is bounded; boxes called empty
 * are. Says how tight the bounds are.   test_bounds [CASES [SEED]] */
#include "kpu/metrics.h"
#include "random_case.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MEMBERS = 6, MACHINES = 5, VALUES = 8 * KPU_OPERANDS + 5 };

typedef struct ratios {
    double sum, most;
    long count;
} ratios;

typedef struct bounds_run {
    kpu_simulator *simulator;
    kpu_machine machines[MACHINES];
    random_case c;
    kpu_result result;
    kpu_metric_value *metrics;
    long checks, failures, empty, feasible;
    ratios term[KPU_CONTROLS][KPU_CYCLE_BOUNDS]; /* where it is the largest */
    ratios engines[KPU_CONTROLS], mapping[KPU_CONTROLS], box[KPU_CONTROLS], bytes, footprint;
} bounds_run;

static void expect(bounds_run *run, bool holds, const char *what, double bound, double value)
{
    run->checks++;
    if (holds)
        return;
    run->failures++;
    if (run->failures > 10)
        return;
    printf("does not hold: %s: bound %.17g, value %.17g\n", what, bound, value);
    random_case_print(&run->c, stdout);
}

static void add_ratio(ratios *r, double value, double bound)
{
    double ratio = value / bound;
    r->sum += ratio;
    r->most = ratio > r->most ? ratio : r->most;
    r->count++;
}

/* ---- Bounds against a run ----------------------------------------------------------------- */

static void list_traffic(const kpu_traffic *t, int64_t *values)
{
    const int64_t *const links[] = {t->dram_read, t->dram_write, t->l3_to_l2,     t->l2_to_l3,
                                    t->l2_to_l1,  t->l1_to_l2,   t->l1_to_fabric, t->fabric_to_l1};
    for (int i = 0; i < 8; i++)
        for (int x = 0; x < KPU_OPERANDS; x++)
            *values++ = links[i][x];
}

static void list_bounds(const kpu_lower_bounds *b, int64_t values[VALUES])
{
    list_traffic(&b->traffic, values);
    const int64_t rest[] = {b->cycles, b->l3_bytes, b->l2_bytes, b->l1_bytes, b->registers_per_pe};
    memcpy(values + 8 * KPU_OPERANDS, rest, sizeof rest);
}

static void list_result(const kpu_result *r, int64_t values[VALUES])
{
    const kpu_mapping *m = &r->mapping;
    list_traffic(&r->counts.traffic, values);
    const int64_t rest[] = {r->counts.cycles, m->l3_bytes, m->l2_bytes, m->l1_bytes,
                            m->registers_per_pe};
    memcpy(values + 8 * KPU_OPERANDS, rest, sizeof rest);
}

static void check_metrics(bounds_run *run, const kpu_lower_bounds *b)
{
    kpu_metrics_compute(&run->c.machine, &run->result, run->metrics);
    for (size_t i = 0; i < kpu_metric_count(); i++) {
        const kpu_metric *metric = kpu_metric_at(i);
        double bound = kpu_metric_bound(&run->c.machine, &run->c.problem, b, i);
        double value =
            metric->type == KPU_METRIC_INT64 ? (double)run->metrics[i].i : run->metrics[i].d;
        bool holds = metric->sense == KPU_SENSE_MAX ? bound >= value : bound <= value;
        expect(run, holds || isnan(value), metric->name, bound, value);
    }
}

/* Exactly what of them is `exact`, by index in the list. */
static void check_bounds(bounds_run *run, const kpu_lower_bounds *b, bool is_mapping)
{
    int64_t bounds[VALUES], values[VALUES];
    list_bounds(b, bounds);
    list_result(&run->result, values);
    expect(run, !b->empty, is_mapping ? "a mapping is not empty" : "box is not empty", 1, 0);
    if (b->empty)
        return;
    for (int i = 0; i < VALUES; i++) {
        char what[48];
        bool exact = is_mapping && i != 8 * KPU_OPERANDS;
        snprintf(what, sizeof what, "%s value %d", is_mapping ? "mapping" : "box", i);
        expect(run, exact ? bounds[i] == values[i] : bounds[i] <= values[i], what,
               (double)bounds[i], (double)values[i]);
    }
    check_metrics(run, b);
}

/* The terms of the bound on cycles: those of engines alone, and all. */
static void rate_terms(bounds_run *run)
{
    int64_t bounds[KPU_CYCLE_BOUNDS], engines = 0, control = run->c.candidate.control;
    double cycles = (double)run->result.counts.cycles;
    int largest = 0;
    kpu_mapping_cycle_bounds(&run->c.machine, &run->result.mapping, bounds);
    for (int i = 0; i < KPU_CYCLE_BOUNDS; i++) {
        expect(run, (double)bounds[i] <= cycles, kpu_cycle_bound_names[i], (double)bounds[i],
               cycles);
        if (i <= KPU_BOUND_STR_COUT && bounds[i] > engines)
            engines = bounds[i];
        if (bounds[i] > bounds[largest])
            largest = i;
    }
    add_ratio(&run->engines[control], cycles, (double)engines);
    add_ratio(&run->mapping[control], cycles, (double)bounds[largest]);
    add_ratio(&run->term[control][largest], cycles, (double)bounds[largest]);
}

static double footprint(const kpu_lower_bounds *b)
{
    return (double)(b->l3_bytes + b->l2_bytes + b->l1_bytes);
}
static double dram_bytes(const kpu_traffic *t)
{
    double bytes = 0;
    for (int x = 0; x < KPU_OPERANDS; x++)
        bytes += (double)(t->dram_read[x] + t->dram_write[x]);
    return bytes;
}

/* ---- Boxes -------------------------------------------------------------------------------- */

static int64_t pick(random_stream *random, kpu_range range)
{
    if (random_chance(random, 30))
        return range.low;
    if (random_chance(random, 30))
        return range.high;
    return random_between(random, range.low, range.high);
}

static int64_t pick_bit(random_stream *random, uint32_t set)
{
    int64_t bit = random_between(random, 0, 31);
    while (!(set >> bit & 1))
        bit = (bit + 1) % 32;
    return bit;
}

/* A block in the range; mostly one that goes with the tile. */
static int64_t pick_block(random_stream *random, kpu_range range, int64_t tile)
{
    bool whole = range.high == INT64_MAX;
    if (whole && (range.low == INT64_MAX || random_chance(random, 30)))
        return 0;
    kpu_range finite = {range.low, whole ? range.low + 4 * tile : range.high};
    int64_t block = pick(random, finite);
    int64_t multiple = block / tile * tile;
    return multiple >= range.low && random_chance(random, 90) ? multiple : block;
}

static void pick_hoists(random_stream *random, const kpu_box *box, kpu_candidate *c)
{
    c->auto_residency = box->one_residency ? box->any_auto : random_chance(random, 50);
    for (int x = 0; x < KPU_OPERANDS; x++) {
        if (box->one_residency) {
            memcpy(c->hoist[x], box->hoist[x], sizeof c->hoist[x]);
            continue;
        }
        c->hoist[x][KPU_HOIST_L2] = random_between(random, 0, KPU_NEST);
        c->hoist[x][KPU_HOIST_L3] = random_between(random, 0, c->hoist[x][KPU_HOIST_L2]);
    }
}

static void pick_member(random_stream *random, const kpu_box *box, kpu_candidate *c)
{
    uint8_t order[KPU_DIMS];
    int64_t flow = pick_bit(random, box->dataflows);
    c->dataflow = flow / 2;
    c->swap = flow % 2;
    kpu_box_order((int)pick_bit(random, box->orders), order);
    for (int d = 0; d < KPU_DIMS; d++) {
        c->order[d] = order[d];
        c->tile[d] = pick(random, box->tile[d]);
        c->block[d] = pick_block(random, box->block[d], c->tile[d]);
    }
    for (int x = 0; x < KPU_OPERANDS; x++) {
        c->l3_buffers[x] = pick(random, box->l3_buffers[x]);
        c->l2_buffers[x] = pick(random, box->l2_buffers[x]);
    }
    c->l1_buffers = pick(random, box->l1_buffers);
    c->control = pick_bit(random, box->controls);
    c->eddo_window = pick(random, box->eddo_window);
    pick_hoists(random, box, c);
}

static void spread(random_stream *random, int64_t *value, int64_t least, int64_t reach)
{
    *value += random_between(random, -reach, reach);
    *value = *value < least ? least : *value;
}

/* Another candidate, near or far. */
static void vary(random_stream *random, const kpu_problem *problem, kpu_candidate *c)
{
    bool near = random_chance(random, 70);
    for (int d = 0; d < KPU_DIMS; d++) {
        if (random_chance(random, 50))
            spread(random, &c->tile[d], 1, near ? 1 + problem->dim[d] / 16 : problem->dim[d] / 2);
        if (random_chance(random, 30))
            c->block[d] = random_chance(random, 40)
                              ? 0
                              : c->tile[d] * random_between(random, 1, near ? 3 : 12);
        if (random_chance(random, near ? 20 : 50))
            spread(random, &c->l3_buffers[d], 1, 2);
        if (random_chance(random, near ? 20 : 50))
            spread(random, &c->l2_buffers[d], 1, 2);
    }
    if (random_chance(random, near ? 10 : 40)) {
        c->dataflow = random_between(random, 0, KPU_DATAFLOWS - 1);
        c->swap = random_between(random, 0, 1);
    }
    if (random_chance(random, near ? 10 : 40)) {
        int64_t first = c->order[0];
        c->order[0] = c->order[1];
        c->order[1] = c->order[2];
        c->order[2] = first;
    }
    spread(random, &c->l1_buffers, 1, near ? 0 : 2);
    if (random_chance(random, 20))
        c->control = !c->control;
    if (random_chance(random, 10))
        c->auto_residency = !c->auto_residency;
}

static bool is_small(const random_case *c)
{
    kpu_mapping m;
    kpu_mapping_make(&c->machine, &c->problem, &c->candidate, &m);
    return m.broken || m.tiles[KPU_M] * m.tiles[KPU_N] * m.tiles[KPU_K] <= 3000;
}

static void check_member(bounds_run *run, const kpu_lower_bounds *box)
{
    random_case *c = &run->c;
    kpu_lower_bounds mapping;
    if (!is_small(c))
        return;
    int code = kpu_evaluate(run->simulator, &c->machine, &c->problem, &c->candidate, &run->result);
    expect(run, code == KPU_OK, "kpu_evaluate succeeds", 0, code);
    if (code != KPU_OK || run->result.mapping.broken)
        return;
    run->feasible++;
    kpu_mapping_lower_bounds(&c->machine, &run->result.mapping, &mapping);
    check_bounds(run, &mapping, true);
    check_bounds(run, box, false);
    int64_t control = c->candidate.control;
    double cycles = (double)run->result.counts.cycles;
    rate_terms(run);
    add_ratio(&run->box[control], cycles, (double)box->cycles);
    add_ratio(&run->bytes, dram_bytes(&mapping.traffic), dram_bytes(&box->traffic));
    add_ratio(&run->footprint, footprint(&mapping), footprint(box));
}

/* The case by itself: a box of one, which is empty exactly if it does not fit. */
static void check_case(bounds_run *run)
{
    kpu_box box;
    kpu_mapping mapping;
    kpu_lower_bounds bounds;
    const random_case *c = &run->c;
    if (kpu_mapping_make(&c->machine, &c->problem, &c->candidate, &mapping) != KPU_OK)
        return;
    kpu_box_of_candidate(&c->candidate, &box);
    kpu_box_bounds(&c->machine, &c->problem, &box, &bounds);
    run->empty += bounds.empty;
    expect(run, bounds.empty == (mapping.broken != 0), "a box of one is empty if it does not fit",
           bounds.empty, mapping.broken);
    check_member(run, &bounds);
}

static void check_box(bounds_run *run, random_stream *random)
{
    kpu_box box;
    kpu_lower_bounds bounds;
    kpu_candidate c = run->c.candidate;
    kpu_box_of_candidate(&c, &box);
    for (int64_t i = random_between(random, 1, 4); i > 0; i--) {
        vary(random, &run->c.problem, &c);
        kpu_box_add(&box, &c);
    }
    kpu_box_bounds(&run->c.machine, &run->c.problem, &box, &bounds);
    run->empty += bounds.empty;
    check_member(run, &bounds);
    for (int i = 0; i < MEMBERS; i++) {
        pick_member(random, &box, &run->c.candidate);
        check_member(run, &bounds);
    }
}

static void print_ratios(const char *name, const char *what, const ratios *r)
{
    if (r->count)
        printf("%s %-32s mean %6.2f, most %8.2f, of %ld\n", name, what, r->sum / (double)r->count,
               r->most, r->count);
}

static void report(const bounds_run *run)
{
    for (int i = 0; i < KPU_CONTROLS; i++) {
        const char *name = kpu_control_names[i];
        for (int k = 0; k < KPU_CYCLE_BOUNDS; k++)
            print_ratios(name, kpu_cycle_bound_names[k], &run->term[i][k]);
        print_ratios(name, "engines", &run->engines[i]);
        print_ratios(name, "mapping", &run->mapping[i]);
        print_ratios(name, "box", &run->box[i]);
    }
    print_ratios("all ", "DRAM bytes, box", &run->bytes);
    print_ratios("all ", "footprint, box", &run->footprint);
}

static bool load_machines(kpu_machine *machines)
{
    static const char *const names[MACHINES] = {"default", "datacenter", "edge-ai", "embodied-ai",
                                                "minimal"};
    for (int i = 0; i < MACHINES; i++) {
        char path[512];
        snprintf(path, sizeof path, KPU_SOURCE_DIR "/configs/%s.ini", names[i]);
        if (kpu_machine_load(path, &machines[i], NULL) != KPU_OK)
            return false;
    }
    return true;
}

/* One case in four is on a machine of configs/. */
static void run_case(bounds_run *run, uint64_t seed, uint64_t number)
{
    random_stream random = {.seed = seed + 1, .stream = number};
    random_case_draw(seed, number, &run->c);
    random_case_transpose(number, &run->c);
    if (random_chance(&random, 25))
        run->c.machine = run->machines[random_between(&random, 0, MACHINES - 1)];
    if (number % 3 == 0)
        check_case(run);
    else
        check_box(run, &random);
}

int main(int argc, char **argv)
{
    long count = argc > 1 ? atol(argv[1]) : 6000;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 300;
    bounds_run run = {.simulator = kpu_simulator_new(),
                      .metrics = calloc(kpu_metric_count(), sizeof(kpu_metric_value))};
    if (!run.simulator || !run.metrics || !load_machines(run.machines))
        return 1;
    for (long i = 0; i < count; i++)
        run_case(&run, seed, (uint64_t)i);
    report(&run);
    kpu_simulator_free(run.simulator);
    free(run.metrics);
    printf("%ld cases, %ld empty, %ld candidates, %ld checks, %ld failures\n", count, run.empty,
           run.feasible, run.checks, run.failures);
    return run.failures || !run.checks;
}
