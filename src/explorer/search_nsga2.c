/* NSGA-II over the digits of a point: one population for each GEMM, since fronts are.
 *
 * All populations go through their generations together, so that a batch keeps many workers busy.
 * No point is evaluated twice: a child that has been there is bred again, and after some tries a
 * random point that has not been there takes its place. So the search ends when the budget is
 * spent or everything has been evaluated. */
#include <math.h>
#include <stdlib.h>

#include "explorer/id_set.h"
#include "explorer/nsga2.h"
#include "explorer/permutation.h"
#include "explorer/search.h"

enum {
    TRIES = 32, /* to breed a child that has not been there */
    CROSSOVER_PER_CENT =
        90, /* as Deb et al. 2002; they mutate each variable with 1/variables too */
    DRAWS_BETWEEN_LOOKS = 4096
};

/* Genes are digits: base machine, machine axes, the candidate's digits. */
typedef struct population {
    int64_t gemm;
    int32_t *lengths; /* of the genes */
    int64_t varying;  /* genes with more than one value */
    kpu_individual *individuals;
    size_t parents; /* the first ones, fittest first */
    size_t count;   /* with the children */
    uint64_t generation;
    kpu_permutation order; /* of the GEMM's points on all machines */
    int64_t next, points;  /* of that order: drawn so far, all */
    bool is_exhausted;     /* every point has been there */
} population;

typedef struct evolution {
    kpu_search_session *session;
    const kpu_space *space;
    kpu_team *team;
    size_t gemms, genes, objectives, size; /* size: parents of a population */
    population *populations;
    kpu_individual *individuals; /* of all populations, and what they point to */
    int32_t *gene_room, *length_room;
    double *cost_room;
    kpu_id_set seen;
    kpu_point *batch;
    kpu_individual **owners; /* of the points of the batch */
    size_t batched;
} evolution;

/* ---- Dice -------------------------------------------------------------------------------- */

typedef struct dice {
    uint64_t seed, stream, thrown;
} dice;

static int64_t throw_below(dice *d, int64_t end)
{
    __extension__ typedef unsigned __int128 u128;
    uint64_t random = kpu_random_u64(d->seed, d->stream, d->thrown++);
    return (int64_t)((u128)random * (uint64_t)end >> 64);
}

/* ---- Genes and points -------------------------------------------------------------------- */

static int64_t index_of(const evolution *e, const population *p, const int32_t *genes)
{
    const kpu_space *space = e->space;
    size_t of_machine = 1 + space->machine_digits.digit_count;
    int64_t digits[KPU_DIGITS_MAX], machine = 0;
    for (size_t i = 0; i < of_machine; i++)
        machine = machine * p->lengths[i] + genes[i];
    for (size_t d = 0; d < space->digits.digit_count; d++)
        digits[d] = genes[of_machine + d];
    return kpu_space_index(space, machine, p->gemm, digits);
}

static void put_genes(const evolution *e, const population *p, int64_t number, int32_t *genes)
{
    for (size_t i = e->genes; i-- > 0; number /= p->lengths[i])
        genes[i] = (int32_t)(number % p->lengths[i]);
}

static int flush(evolution *e)
{
    kpu_search_session *s = e->session;
    int code = kpu_search_evaluate(s, e->team, e->batch, e->batched);
    for (size_t i = 0; code == KPU_OK && i < e->batched; i++) {
        const kpu_metric_value *metrics = s->metrics + i * kpu_metric_count();
        const kpu_machine *machine = kpu_space_machine(e->space, e->batch[i].machine);
        bool fits = kpu_search_costs(e->space, metrics, e->owners[i]->costs);
        e->owners[i]->violation = fits ? 0 : kpu_search_violation(machine, metrics);
    }
    e->batched = 0;
    return code;
}

/* Makes the individual a child of its population, if its point is a candidate that has not been
 * there; else *taken is false. */
static int take(evolution *e, population *p, kpu_individual *child, bool *taken)
{
    kpu_point *point = &e->batch[e->batched];
    child->id = index_of(e, p, child->genes);
    *taken = !kpu_id_set_has(&e->seen, child->id) && kpu_space_point_at(e->space, child->id, point);
    if (!*taken)
        return KPU_OK;
    int code = kpu_id_set_add(&e->seen, child->id, taken);
    if (code != KPU_OK)
        return kpu_diag_add(e->session->diag, code, "out of memory");
    e->owners[e->batched++] = child;
    p->count++;
    return e->batched == KPU_SEARCH_BATCH ? flush(e) : KPU_OK;
}

/* ---- Breeding ---------------------------------------------------------------------------- */

/* Of two at random the fitter one: it stands first. */
static const kpu_individual *select_parent(const population *p, dice *d)
{
    int64_t a = throw_below(d, (int64_t)p->parents), b = throw_below(d, (int64_t)p->parents);
    return &p->individuals[a < b ? a : b];
}

/* Half of all mutations go to a neighbour on the axis, half anywhere else. */
static int32_t mutate(int32_t gene, int32_t length, dice *d)
{
    if (throw_below(d, 2) == 0) {
        int32_t step = throw_below(d, 2) == 0 ? -1 : 1;
        return gene + step < 0 || gene + step >= length ? gene - step : gene + step;
    }
    int32_t other = (int32_t)throw_below(d, length - 1);
    return other + (other >= gene);
}

static void breed(const evolution *e, const population *p, kpu_individual *child, dice *d)
{
    const kpu_individual *mother = select_parent(p, d), *father = select_parent(p, d);
    bool crosses = throw_below(d, 100) < CROSSOVER_PER_CENT;
    for (size_t i = 0; i < e->genes; i++) {
        bool from_father = crosses && throw_below(d, 2) == 1;
        child->genes[i] = from_father ? father->genes[i] : mother->genes[i];
        if (p->lengths[i] > 1 && throw_below(d, p->varying) == 0)
            child->genes[i] = mutate(child->genes[i], p->lengths[i], d);
    }
}

/* The next point of the GEMM in random order that has not been there. */
static int draw_fresh(evolution *e, population *p, kpu_individual *child, bool *taken)
{
    int code = KPU_OK;
    *taken = false;
    for (; !*taken && p->next < p->points && code == KPU_OK; p->next++) {
        if (p->next % DRAWS_BETWEEN_LOOKS == 0 && kpu_search_is_stopped(e->session))
            return KPU_E_INTERRUPTED;
        put_genes(e, p, kpu_permutation_at(&p->order, p->next), child->genes);
        code = take(e, p, child, taken);
    }
    return code;
}

static int make_child(evolution *e, population *p, uint64_t number, bool *taken)
{
    uint64_t seed = kpu_random_u64(e->session->settings.seed, KPU_STREAM_NSGA2, (uint64_t)p->gemm);
    dice d = {.seed = kpu_random_u64(seed, p->generation, number)};
    kpu_individual *child = &p->individuals[p->count];
    int code = KPU_OK;
    *taken = false;
    for (; d.stream < TRIES && p->parents > 0 && !*taken && code == KPU_OK; d.stream++) {
        d.thrown = 0;
        breed(e, p, child, &d);
        code = take(e, p, child, taken);
    }
    return code == KPU_OK && !*taken ? draw_fresh(e, p, child, taken) : code;
}

static int make_children(evolution *e, population *p, int64_t count)
{
    int code = KPU_OK;
    for (int64_t i = 0; i < count && !p->is_exhausted && code == KPU_OK; i++) {
        bool taken;
        code = make_child(e, p, (uint64_t)i, &taken);
        p->is_exhausted = code == KPU_OK && !taken;
    }
    return code;
}

/* ---- Generations ------------------------------------------------------------------------- */

static int survive(evolution *e, population *p)
{
    int code = kpu_nsga2_sort(p->individuals, p->count, e->objectives);
    if (code != KPU_OK)
        return kpu_diag_add(e->session->diag, code, "out of memory");
    p->parents = p->count < e->size ? p->count : e->size;
    p->count = p->parents;
    p->generation++;
    return KPU_OK;
}

static int64_t count_active(const evolution *e)
{
    int64_t active = 0;
    for (size_t g = 0; g < e->gemms; g++)
        active += !e->populations[g].is_exhausted;
    return active;
}

/* A generation of every population; the last ones share what is left of the budget. */
static int advance(evolution *e, int64_t left)
{
    int64_t active = count_active(e), nth = 0;
    int code = KPU_OK;
    for (size_t g = 0; g < e->gemms && code == KPU_OK; g++) {
        population *p = &e->populations[g];
        if (p->is_exhausted)
            continue;
        int64_t share = left / active + (nth++ < left % active);
        code = make_children(e, p, share < (int64_t)e->size ? share : (int64_t)e->size);
    }
    if (code == KPU_OK && e->batched > 0)
        code = flush(e);
    for (size_t g = 0; g < e->gemms && code == KPU_OK; g++)
        code = survive(e, &e->populations[g]);
    return code;
}

static int evolve(void *context, kpu_team *team)
{
    evolution *e = context;
    kpu_search_session *s = e->session;
    int code = KPU_OK;
    e->team = team;
    while (code == KPU_OK && count_active(e) > 0 && s->progress->evaluations < s->settings.budget)
        code = advance(e, s->settings.budget - s->progress->evaluations);
    return code;
}

/* ---- Making ------------------------------------------------------------------------------ */

static void init_population(evolution *e, size_t g)
{
    const kpu_space *space = e->space;
    population *p = &e->populations[g];
    size_t of_machine = 1 + space->machine_digits.digit_count, count = 2 * e->size;
    *p = (population){.gemm = (int64_t)g,
                      .lengths = e->length_room + g * e->genes,
                      .individuals = e->individuals + g * count,
                      .points =
                          (int64_t)space->machine_count * (space->first[g + 1] - space->first[g])};
    p->lengths[0] = (int32_t)((int64_t)space->machine_count / space->machine_axes_size);
    for (size_t d = 0; d + 1 < of_machine; d++)
        p->lengths[1 + d] = (int32_t)space->machine_lengths[d];
    for (size_t d = 0; d < space->digits.digit_count; d++)
        p->lengths[of_machine + d] = (int32_t)space->lengths[g * space->digits.digit_count + d];
    for (size_t i = 0; i < e->genes; i++)
        p->varying += p->lengths[i] > 1;
    uint64_t seed = kpu_random_u64(e->session->settings.seed, KPU_STREAM_NSGA2, g);
    kpu_permutation_init(&p->order, p->points, seed);
    for (size_t i = 0; i < count; i++) {
        p->individuals[i].genes = e->gene_room + (g * count + i) * e->genes;
        p->individuals[i].costs = e->cost_room + (g * count + i) * e->objectives;
    }
}

static bool make_evolution(evolution *e)
{
    size_t individuals = 2 * e->size * e->gemms;
    e->populations = calloc(e->gemms, sizeof *e->populations);
    e->individuals = calloc(individuals, sizeof *e->individuals);
    e->gene_room = calloc(individuals * e->genes, sizeof *e->gene_room);
    e->length_room = calloc(e->gemms * e->genes, sizeof *e->length_room);
    e->cost_room = calloc(individuals * e->objectives, sizeof *e->cost_room);
    e->batch = calloc(KPU_SEARCH_BATCH, sizeof *e->batch);
    e->owners = calloc(KPU_SEARCH_BATCH, sizeof(kpu_individual *));
    if (!e->populations || !e->individuals || !e->gene_room || !e->length_room || !e->cost_room ||
        !e->batch || !e->owners)
        return false;
    for (size_t g = 0; g < e->gemms; g++)
        init_population(e, g);
    return true;
}

static void free_evolution(evolution *e)
{
    free(e->populations);
    free(e->individuals);
    free(e->gene_room);
    free(e->length_room);
    free(e->cost_room);
    free(e->batch);
    free(e->owners);
    kpu_id_set_fini(&e->seen);
}

static int run(kpu_search_session *session)
{
    const kpu_space *space = session->space;
    kpu_search_progress *progress = session->progress;
    int64_t size = kpu_space_raw_size(space);
    evolution e = {.session = session,
                   .space = space,
                   .gemms = space->gemm_count,
                   .genes = 1 + space->machine_digits.digit_count + space->digits.digit_count,
                   .objectives = kpu_space_objective_count(space),
                   .size = (size_t)session->settings.nsga2_population};
    progress->total = session->settings.budget < size ? session->settings.budget : size;
    int code = make_evolution(&e) ? kpu_search_open_team(session, evolve, &e)
                                  : kpu_diag_add(session->diag, KPU_E_MEMORY, "out of memory");
    if (code == KPU_OK) /* constraints may leave fewer candidates than the budget */
        progress->total = progress->done;
    free_evolution(&e);
    return code;
}

const kpu_search kpu_search_nsga2 = {
    .name = "nsga2",
    .summary = "a genetic algorithm (NSGA-II), one population a GEMM, no point twice",
    .budget = KPU_SEARCH_NEEDS,
    .shards = KPU_SHARDS_NONE,
    .run = run,
};
