/* test_exact.c - the search `exact` on random spaces: the front that all candidates have, point for
 * point, with the same numbers; the same certificate for any number of threads, and one that holds;
 * with a budget, no more evaluations than that.   test_exact [SPACES [SEED]] */
#include "explorer/exact.h"
#include "random_space.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { POINTS = 1200 };

/* What a search hands over. */
typedef struct rows {
    kpu_point *points;
    kpu_metric_value *metrics;
    size_t count, capacity;
    kpu_search_progress summary;
    char *certificate;
    size_t bytes, room;
} rows;

static int keep_rows(void *context, const kpu_row *from, size_t count, kpu_diag *diag)
{
    rows *r = context;
    size_t width = kpu_metric_count();
    (void)diag;
    if (r->count + count > r->capacity) {
        r->capacity = 2 * (r->count + count);
        r->points = realloc(r->points, r->capacity * sizeof *r->points);
        r->metrics = realloc(r->metrics, r->capacity * width * sizeof *r->metrics);
        if (!r->points || !r->metrics)
            abort();
    }
    for (size_t i = 0; i < count; i++, r->count++) {
        r->points[r->count] = from[i].point;
        memcpy(r->metrics + r->count * width, from[i].metrics, width * sizeof *r->metrics);
    }
    return KPU_OK;
}

static int keep_text(void *context, const char *text, size_t bytes, kpu_diag *diag)
{
    rows *r = context;
    (void)diag;
    if (r->bytes + bytes > r->room) {
        r->room = 2 * (r->bytes + bytes);
        r->certificate = realloc(r->certificate, r->room);
        if (!r->certificate)
            abort();
    }
    memcpy(r->certificate + r->bytes, text, bytes);
    r->bytes += bytes;
    return KPU_OK;
}

static void rows_fini(rows *r)
{
    free(r->points);
    free(r->metrics);
    free(r->certificate);
}

/* One space and what is wrong with it. */
typedef struct test_run {
    random_space text;
    kpu_space *space;
    uint64_t number;
    int64_t evaluations, feasible; /* of all spaces */
    long spaces, failures;
    bool failed;
} test_run;

static void expect(test_run *t, bool holds, const char *what)
{
    if (holds)
        return;
    printf("space %llu: does not hold: %s\n", (unsigned long long)t->number, what);
    if (!t->failed && t->failures < 3)
        random_space_print(&t->text, stdout);
    t->failures += !t->failed;
    t->failed = true;
}

/* Room for so few open boxes that most are gone into one by one. */
static int run_narrow(kpu_search_session *session)
{
    return kpu_exact_run(session, 3);
}
static const kpu_search narrow = {.name = "exact",
                                  .budget = KPU_SEARCH_TAKES,
                                  .certificate = KPU_SEARCH_TAKES,
                                  .run = run_narrow};

static void search(test_run *t, const kpu_search *which, int threads, int64_t budget, rows *out)
{
    kpu_diag diag = {0};
    const kpu_search_settings settings = {.search = which, .budget = budget};
    bool is_exact = which->run != kpu_search_find("exhaustive")->run;
    const kpu_search_options options = {.settings = &settings,
                                        .threads = threads,
                                        .sink = keep_rows,
                                        .sink_context = out,
                                        .certificate = is_exact ? keep_text : NULL,
                                        .certificate_context = out};
    int code = kpu_search_run(t->space, &options, &out->summary, &diag);
    char *complaints = diag.count ? kpu_diag_render(&diag) : NULL;
    if (complaints)
        fputs(complaints, stdout);
    free(complaints);
    kpu_diag_fini(&diag);
    expect(t, code == KPU_OK, which->name);
}

/* ---- The front, naively ------------------------------------------------------------------- */

static double cost(const test_run *t, const rows *r, size_t row, size_t objective)
{
    size_t metric = (size_t)kpu_space_objective(t->space, objective);
    kpu_metric_value value = r->metrics[row * kpu_metric_count() + metric];
    double number = kpu_metric_at(metric)->type == KPU_METRIC_INT64 ? (double)value.i : value.d;
    return kpu_metric_at(metric)->sense == KPU_SENSE_MAX ? -number : number;
}

static bool is_eligible(const test_run *t, const rows *r, size_t row)
{
    bool eligible = r->metrics[row * kpu_metric_count() + (size_t)kpu_metric_find("feasible")].i;
    for (size_t i = 0; i < kpu_space_objective_count(t->space); i++)
        eligible &= !isnan(cost(t, r, row, i));
    return eligible;
}

static bool dominates(const test_run *t, const rows *r, size_t a, size_t b)
{
    bool better = false;
    if (r->points[a].gemm != r->points[b].gemm)
        return false;
    for (size_t i = 0; i < kpu_space_objective_count(t->space); i++) {
        double x = cost(t, r, a, i), y = cost(t, r, b, i);
        if (x > y)
            return false;
        better |= x < y;
    }
    return better;
}

/* Moves the rows of the front to the front of all; how many there are. */
static size_t keep_front(const test_run *t, rows *r)
{
    bool *in = calloc(r->count + 1, sizeof *in);
    size_t width = kpu_metric_count(), kept = 0;
    if (!in)
        abort();
    for (size_t b = 0; b < r->count; b++) {
        in[b] = is_eligible(t, r, b);
        for (size_t a = 0; a < r->count && in[b]; a++)
            in[b] = !(is_eligible(t, r, a) && dominates(t, r, a, b));
    }
    for (size_t i = 0; i < r->count; i++) {
        if (!in[i])
            continue;
        r->points[kept] = r->points[i];
        memmove(r->metrics + kept * width, r->metrics + i * width, width * sizeof *r->metrics);
        kept++;
    }
    free(in);
    return kept;
}

/* ---- The certificate ---------------------------------------------------------------------- */

typedef struct text_source {
    const rows *from;
    size_t read;
} text_source;

static int read_text(void *context, char *bytes, size_t size, size_t *got, kpu_diag *diag)
{
    text_source *s = context;
    (void)diag;
    *got = s->from->bytes - s->read < size ? s->from->bytes - s->read : size;
    memcpy(bytes, s->from->certificate + s->read, *got);
    s->read += *got;
    return KPU_OK;
}

static void check_certificate(test_run *t, const rows *r)
{
    text_source from = {.from = r};
    const kpu_certify_source source = {"certificate", read_text, &from};
    const kpu_certify_options options = {.threads = 1};
    kpu_certify_facts facts = {0};
    kpu_diag diag = {0};
    int code = kpu_certify(t->space, &source, &options, &facts, &diag);
    char *complaints = diag.count ? kpu_diag_render(&diag) : NULL;
    if (complaints)
        fputs(complaints, stdout);
    expect(t, code == KPU_OK, "the certificate holds");
    expect(t, code != KPU_OK || facts.member_count == r->count, "it names as many members");
    free(complaints);
    kpu_diag_fini(&diag);
    kpu_certify_facts_fini(&facts);
}

/* ---- One space ---------------------------------------------------------------------------- */

static void check_front(test_run *t, const rows *front, const rows *exact)
{
    size_t width = kpu_metric_count() * sizeof *front->metrics, count = front->count;
    bool equal = count == exact->count;
    for (size_t i = 0; i < count && equal; i++)
        equal = front->points[i].index == exact->points[i].index &&
                memcmp(front->metrics + i * kpu_metric_count(),
                       exact->metrics + i * kpu_metric_count(), width) == 0;
    if (count != exact->count)
        printf("%zu members, expected %zu\n", exact->count, count);
    expect(t, equal, "exact = exhaustive, point for point");
    expect(t, exact->summary.gap == 0 && exact->summary.open == 0, "nothing is missing");
    expect(t, exact->bytes > 0, "a complete search has a certificate");
}

/* A member of the part-way front is a candidate, and no more were evaluated than allowed. */
static void check_budget(test_run *t, const rows *exact)
{
    rows some = {0};
    int64_t budget = exact->summary.evaluations / 2;
    if (budget == 0)
        return;
    search(t, kpu_search_find("exact"), 2, budget, &some);
    expect(t, some.summary.evaluations <= budget, "evaluations within the budget");
    expect(t, !(some.summary.gap < 0), "a gap is not negative");
    /* The first 16 candidates are the same, and with them the unit. */
    if (kpu_space_gemm_count(t->space) == 1 && budget >= 16)
        expect(t,
               !(exact->summary.hypervolume * (1 - 1e-9) >
                 some.summary.hypervolume + some.summary.gap),
               "the gap bounds what is missing");
    expect(t, (some.bytes == 0) == (some.summary.open > 0), "no certificate of half a search");
    expect(t, some.summary.open > 0 || some.count == exact->count, "complete with nothing open");
    rows_fini(&some);
}

static void check_space(test_run *t)
{
    const kpu_search *exact = kpu_search_find("exact");
    rows all = {0}, one = {0}, three = {0}, few = {0};
    search(t, kpu_search_find("exhaustive"), 1, 0, &all);
    search(t, exact, 1, 0, &one);
    search(t, exact, 3, 0, &three);
    search(t, &narrow, 2, 0, &few);
    t->evaluations += one.summary.evaluations;
    t->feasible += all.summary.feasible;
    all.count = keep_front(t, &all);
    check_front(t, &all, &one);
    check_front(t, &all, &few);
    expect(t,
           one.bytes == three.bytes && memcmp(one.certificate, three.certificate, one.bytes) == 0,
           "the same certificate with 1 and 3 threads");
    check_certificate(t, &one);
    check_certificate(t, &few);
    check_budget(t, &one);
    rows_fini(&all);
    rows_fini(&one);
    rows_fini(&three);
    rows_fini(&few);
}

int main(int argc, char **argv)
{
    long spaces = argc > 1 ? strtol(argv[1], NULL, 10) : 100;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    test_run t = {0};
    for (; t.spaces < spaces; t.spaces++) {
        t.number = (uint64_t)t.spaces;
        t.failed = false;
        random_space_draw(seed, t.number, POINTS, &t.text);
        t.space = random_space_make(&t.text);
        expect(&t, t.space != NULL, "a space");
        if (t.space)
            check_space(&t);
        kpu_space_free(t.space);
    }
    printf("%ld spaces, %ld failures; %lld of %lld candidates that fit were simulated\n", t.spaces,
           t.failures, (long long)t.evaluations, (long long)t.feasible);
    return t.failures != 0;
}
