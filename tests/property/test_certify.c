/* test_certify.c - on random spaces: no candidate of a random box beats the bound that the check of
 * certificates computes of it, and nothing of a box that it calls empty fits; the same bound for
 * boxes as src/mapping has; a certificate that was changed at random and signed again is refuted,
 * or names the same members.   test_certify [SPACES [SEED]] */
#include "explorer/certify.h"
#include "random_space.h"
#include "unit/certify_fixture.h"

#include <math.h>

enum { POINTS = 300, BOXES = 30, CHANGES = 20, OBJECTIVES = KPU_CERTIFY_OBJECTIVES_MAX };

/* A candidate, timed. */
typedef struct timed {
    bool fits, excluded;
    double value[OBJECTIVES];
} timed;

typedef struct test_run {
    random_space text;
    kpu_space *space;
    timed *points; /* by id */
    random_stream random;
    long spaces, failures, boxes, empty, compared, refuted, accepted;
    bool failed;
} test_run;

static void expect(test_run *t, bool holds, const char *what)
{
    if (holds)
        return;
    printf("space %ld: does not hold: %s\n", t->spaces, what);
    if (!t->failed && t->failures < 3)
        random_space_print(&t->text, stdout);
    t->failures += !t->failed;
    t->failed = true;
}

/* ---- All candidates ---------------------------------------------------------------------- */

static void time_point(test_run *t, kpu_simulator *simulator, kpu_metric_value *metrics, int64_t n)
{
    kpu_point point;
    kpu_result result;
    timed *out = &t->points[n];
    out->excluded = !kpu_space_point(t->space, n, &point);
    const kpu_machine *machine = kpu_space_machine(t->space, point.machine);
    const kpu_problem *problem = &kpu_space_gemm(t->space, point.gemm)->problem;
    expect(t, kpu_evaluate(simulator, machine, problem, &point.candidate, &result) == KPU_OK,
           "a run");
    out->fits = result.mapping.broken == 0;
    kpu_metrics_compute(machine, &result, metrics);
    for (size_t i = 0; i < kpu_space_objective_count(t->space); i++) {
        size_t metric = (size_t)kpu_space_objective(t->space, i);
        out->value[i] = kpu_metric_at(metric)->type == KPU_METRIC_INT64 ? (double)metrics[metric].i
                                                                        : metrics[metric].d;
    }
}

static void time_all(test_run *t)
{
    kpu_simulator *simulator = must_have(kpu_simulator_new());
    kpu_metric_value *metrics = must_have(calloc(kpu_metric_count(), sizeof *metrics));
    int64_t count = kpu_space_raw_size(t->space);
    t->points = must_have(calloc((size_t)count, sizeof *t->points));
    for (int64_t n = 0; n < count; n++)
        time_point(t, simulator, metrics, n);
    free(metrics);
    kpu_simulator_free(simulator);
}

/* ---- Bounds ------------------------------------------------------------------------------ */

static void draw_range(test_run *t, kpu_certify_range *range)
{
    int64_t low = range->low, high = range->high;
    if (random_chance(&t->random, 40))
        return;
    range->low = random_between(&t->random, low, high);
    range->high =
        random_chance(&t->random, 40) ? range->low : random_between(&t->random, range->low, high);
}

static void draw_box(test_run *t, kpu_certify_box *box)
{
    kpu_certify_box_init(t->space, box);
    box->gemm.low = box->gemm.high = random_between(&t->random, 0, box->gemm.high);
    box->machine.low = box->machine.high = random_between(&t->random, 0, box->machine.high);
    kpu_certify_box_enter_gemm(t->space, box);
    for (size_t d = 0; d < t->space->digits.digit_count; d++)
        draw_range(t, &box->digit[d]);
}

static bool beats(const kpu_space *space, size_t objective, double value, double bound)
{
    size_t metric = (size_t)kpu_space_objective(space, objective);
    return kpu_metric_at(metric)->sense == KPU_SENSE_MAX ? value > bound : value < bound;
}

static void check_candidate(test_run *t, const kpu_certify_bounds *bounds, int64_t id)
{
    const timed *p = &t->points[id];
    char what[160];
    if (!p->fits)
        return;
    snprintf(what, sizeof what, "candidate %lld fits, so its box is not empty", (long long)id);
    expect(t, !bounds->empty, what);
    for (size_t i = 0; i < kpu_space_objective_count(t->space) && !bounds->empty; i++) {
        snprintf(what, sizeof what, "candidate %lld, objective %zu: %.17g, bound %.17g",
                 (long long)id, i, p->value[i], bounds->value[i]);
        expect(t, !beats(t->space, i, p->value[i], bounds->value[i]), what);
    }
}

static void bound_mapping(const test_run *t, const kpu_certify_box *box, kpu_lower_bounds *out)
{
    kpu_mapping mapping;
    kpu_point point;
    kpu_certify_box_point(t->space, box, 0, &point);
    const kpu_machine *machine = kpu_space_machine(t->space, point.machine);
    kpu_mapping_make(machine, &kpu_space_gemm(t->space, point.gemm)->problem, &point.candidate,
                     &mapping);
    out->empty = mapping.broken != 0;
    if (!out->empty)
        kpu_mapping_lower_bounds(machine, &mapping, out);
}

/* The bounds of src/mapping, of the hull of the same candidates. Axes in lock step have a smaller
 * hull there: such spaces are left out. */
static void compare_bounds(test_run *t, const kpu_certify_box *box, const kpu_certify_bounds *mine)
{
    kpu_box hull;
    kpu_lower_bounds theirs;
    const kpu_machine *machine = kpu_space_machine(t->space, box->machine.low);
    const kpu_problem *problem = &kpu_space_gemm(t->space, box->gemm.low)->problem;
    if (t->space->digits.digit_count < KPU_SPACE_AXES)
        return;
    for (int64_t n = 0; n < kpu_certify_box_count(t->space, box); n++) {
        kpu_point point;
        kpu_certify_box_point(t->space, box, n, &point);
        if (n == 0)
            kpu_box_of_candidate(&point.candidate, &hull);
        else
            kpu_box_add(&hull, &point.candidate);
    }
    if (kpu_certify_box_count(t->space, box) == 1)
        bound_mapping(t, box, &theirs);
    else
        kpu_box_bounds(machine, problem, &hull, &theirs);
    expect(t, theirs.empty == mine->empty, "both bounds call the box empty");
    for (size_t i = 0; i < kpu_space_objective_count(t->space) && !mine->empty; i++) {
        char what[160];
        size_t metric = (size_t)kpu_space_objective(t->space, i);
        double other = kpu_metric_bound(machine, problem, &theirs, metric);
        snprintf(what, sizeof what, "%s: bound %.17g here, %.17g in src/mapping",
                 kpu_metric_at(metric)->name, mine->value[i], other);
        expect(t, mine->value[i] == other, what);
        t->compared++;
    }
}

/* A random box, or a single candidate. */
static void check_box(test_run *t, bool single)
{
    kpu_certify_box box;
    kpu_certify_bounds bounds;
    draw_box(t, &box);
    for (size_t d = 0; single && d < t->space->digits.digit_count; d++)
        box.digit[d].low = box.digit[d].high;
    kpu_certify_bound(t->space, &box, &bounds);
    t->boxes++;
    t->empty += bounds.empty;
    for (int64_t n = 0; n < kpu_certify_box_count(t->space, &box); n++) {
        kpu_point point;
        kpu_certify_box_point(t->space, &box, n, &point);
        check_candidate(t, &bounds, point.index);
    }
    compare_bounds(t, &box, &bounds);
}

/* ---- Forgeries --------------------------------------------------------------------------- */

/* Another number for some word of the line, or another word of the same kind. */
static void change_word(test_run *t, certificate *c, size_t at)
{
    static const char *const words[] = {"0", "1", "2", "3", "7", "100", "nan", "-1", "i", "p", "s"};
    char text[64], *line = c->line[at];
    size_t length = strlen(line), from = (size_t)random_between(&t->random, 0, (int64_t)length);
    while (from > 0 && line[from - 1] != ' ')
        from--;
    size_t end = from + strcspn(line + from, " ");
    snprintf(text, sizeof text, "%s", words[random_between(&t->random, 0, 10)]);
    if (random_chance(&t->random, 50))
        snprintf(text, sizeof text, "%.17g",
                 strtod(line + from, NULL) + (double)random_between(&t->random, -2, 2));
    char *copy = must_have(strdup(line));
    certificate_set(c, at, "%.*s%s%s", (int)from, copy, text, copy + end);
    free(copy);
}

static void change_closing(test_run *t, certificate *c, size_t at)
{
    static const char *const ways[] = {"i", "p", "d", "e", "n"};
    const char *way = ways[random_between(&t->random, 0, 4)];
    char *copy = must_have(strdup(c->line[at]));
    const char *rest = strchr(copy, ' ');
    certificate_set(c, at, "%s%s", way, rest && *way != 'i' && *way != 'p' ? rest : "");
    free(copy);
}

static void change(test_run *t, certificate *c)
{
    int64_t last = (int64_t)c->count - 2;
    size_t at = (size_t)random_between(&t->random, 0, last);
    size_t other = (size_t)random_between(&t->random, 0, last);
    switch (random_between(&t->random, 0, 5)) {
    case 0: certificate_remove(c, at); break;
    case 1: certificate_insert(c, other, c->line[at]); break;
    case 2: certificate_swap(c, at, other); break;
    case 3: change_closing(t, c, at); break;
    default: change_word(t, c, at); break;
    }
}

/* Whether the facts are the true front: what is eligible and undominated. */
static bool is_true(const test_run *t, const kpu_certify_facts *facts)
{
    size_t members = 0;
    for (int64_t n = 0; n < kpu_space_raw_size(t->space); n++) {
        const timed *p = &t->points[n];
        kpu_certify_box box;
        bool on_front = p->fits && !p->excluded;
        kpu_certify_box_of_id(t->space, n, &box);
        for (size_t i = 0; i < kpu_space_objective_count(t->space); i++)
            on_front = on_front && !isnan(p->value[i]);
        for (int64_t m = 0; on_front && m < kpu_space_raw_size(t->space); m++) {
            const timed *q = &t->points[m];
            kpu_certify_box its;
            kpu_certify_box_of_id(t->space, m, &its);
            on_front = !(q->fits && !q->excluded && its.gemm.low == box.gemm.low &&
                         kpu_certify_dominates(t->space, q->value, p->value));
        }
        if (!on_front)
            continue;
        members++;
        if (kpu_certify_find_member(facts->members, facts->member_count, box.gemm.low, n) < 0)
            return false;
    }
    return members == facts->member_count;
}

static void check_certificates(test_run *t)
{
    certificate honest;
    kpu_certify_facts facts;
    expect(t, certificate_make(t->space, &honest), "a certificate");
    expect(t, certificate_check(t->space, &honest, &facts, NULL) == KPU_OK, "it holds");
    expect(t, is_true(t, &facts), "its members are the front");
    kpu_certify_facts_fini(&facts);
    for (int i = 0; i < CHANGES; i++) {
        certificate forged = certificate_copy(&honest);
        for (int64_t n = random_between(&t->random, 1, 3); n > 0 && forged.count > 2; n--)
            change(t, &forged);
        certificate_sign(&forged);
        int code = certificate_check(t->space, &forged, &facts, NULL);
        expect(t, code == KPU_OK || code == KPU_E_REFUTED, "an answer");
        expect(t, code != KPU_OK || is_true(t, &facts), "what is accepted is true");
        t->accepted += code == KPU_OK;
        t->refuted += code != KPU_OK;
        kpu_certify_facts_fini(&facts);
        certificate_fini(&forged);
    }
    certificate_fini(&honest);
}

static void check_space(test_run *t)
{
    time_all(t);
    for (int i = 0; i < BOXES; i++)
        check_box(t, i % 2 == 0);
    check_certificates(t);
    free(t->points);
}

int main(int argc, char **argv)
{
    long spaces = argc > 1 ? strtol(argv[1], NULL, 10) : 15;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    test_run t = {0};
    for (; t.spaces < spaces; t.spaces++) {
        t.failed = false;
        t.random = (random_stream){.seed = seed + 1, .stream = (uint64_t)t.spaces};
        random_space_draw(seed, (uint64_t)t.spaces, POINTS, &t.text);
        t.space = random_space_make(&t.text);
        expect(&t, t.space != NULL, "a space");
        if (t.space)
            check_space(&t);
        kpu_space_free(t.space);
    }
    printf("%ld spaces, %ld failures; %ld boxes, %ld of them empty, %ld bounds compared; %ld "
           "forgeries refuted, %ld harmless\n",
           t.spaces, t.failures, t.boxes, t.empty, t.compared, t.refuted, t.accepted);
    return t.failures != 0;
}
