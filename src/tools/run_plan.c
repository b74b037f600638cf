/* run --dry-run. */
#include <inttypes.h>
#include <stdio.h>

#include "tools/run.h"

enum { LOOKED_AT_MAX = 1000000, POINTS_SHOWN = 5, NAMES_SHOWN = 20 };

/* What was found among the points that were looked at. */
typedef struct tally {
    int64_t looked_at, excluded, fit;
    int64_t broken[KPU_REASONS];
    kpu_point first[POINTS_SHOWN];
    size_t firsts;
} tally;

static void look_at(const kpu_space *space, int64_t n, tally *t)
{
    kpu_point point;
    kpu_mapping mapping;
    t->looked_at++;
    if (!kpu_space_point(space, n, &point)) {
        t->excluded++;
        return;
    }
    kpu_mapping_make(kpu_space_machine(space, point.machine),
                     &kpu_space_gemm(space, point.gemm)->problem, &point.candidate, &mapping);
    int limit = 0;
    while (limit < KPU_LIMITS && !(mapping.broken >> limit & 1))
        limit++;
    if (limit < KPU_LIMITS)
        t->broken[limit + 1]++;
    else
        t->fit++;
}

/* All points, or as many drawn at random. */
static void look(const kpu_space *space, tally *t)
{
    const uint64_t stream = 0x64727972756e; /* unlike that of [sweep] sample */
    int64_t size = kpu_space_run_size(space);
    for (int64_t n = 0; n < size && n < LOOKED_AT_MAX && t->firsts < POINTS_SHOWN; n++)
        if (kpu_space_point(space, n, &t->first[t->firsts]))
            t->firsts++;
    for (int64_t i = 0; size <= LOOKED_AT_MAX && i < size; i++)
        look_at(space, i, t);
    for (uint64_t i = 0; size > LOOKED_AT_MAX && i < LOOKED_AT_MAX; i++)
        look_at(space, (int64_t)(kpu_random_u64(kpu_space_seed(space), stream, i) % (uint64_t)size),
                t);
}

static void put_share(kpu_text *out, int64_t part, int64_t whole)
{
    kpu_text_put_grouped(out, part);
    if (whole > 0)
        kpu_text_format(out, " (%.1f %%)", 100.0 * (double)part / (double)whole);
}

static void put_names(const kpu_space *space, kpu_text *out)
{
    size_t machines = kpu_space_machine_count(space), gemms = kpu_space_gemm_count(space);
    kpu_text_format(out, "machines    %zu:", machines);
    for (size_t m = 0; m < machines && m < NAMES_SHOWN; m++)
        if (m == 0 || kpu_space_machine_axis_count(space) == 0)
            kpu_text_format(out, " %s", kpu_space_machine(space, (int64_t)m)->name);
    for (size_t a = 0; a < kpu_space_machine_axis_count(space); a++)
        kpu_text_format(out, "%s%s.%s", a ? ", " : " with ",
                        kpu_space_machine_axis(space, a)->section,
                        kpu_space_machine_axis(space, a)->name);
    kpu_text_format(out, "\nGEMMs       %zu\n", gemms);
    for (size_t g = 0; g < gemms && g < NAMES_SHOWN; g++) {
        const kpu_gemm *gemm = kpu_space_gemm(space, (int64_t)g);
        const int64_t *dim = gemm->problem.dim;
        kpu_text_format(out, "  %s %s %" PRId64 "x%" PRId64 "x%" PRId64 "\n",
                        kpu_space_workload_name(space, (int64_t)g), gemm->name, dim[KPU_M],
                        dim[KPU_N], dim[KPU_K]);
    }
    if (gemms > NAMES_SHOWN)
        kpu_text_format(out, "  and %zu more\n", gemms - NAMES_SHOWN);
}

/* Nothing for the search that evaluates all of the points. */
static void put_search(const kpu_space *space, kpu_text *out)
{
    const kpu_search_settings *settings = kpu_space_search(space);
    if (settings->search->budget == KPU_SEARCH_REFUSES)
        return;
    kpu_text_format(out, "search      %s", settings->search->name);
    if (settings->budget > 0) {
        kpu_text_put(out, ", at most ");
        kpu_text_put_grouped(out, settings->budget);
        kpu_text_put(out, " candidates");
    }
    kpu_text_put(out, "\n");
}

static void put_counts(const kpu_space *space, const tally *t, kpu_text *out)
{
    int64_t raw = kpu_space_raw_size(space), size = kpu_space_run_size(space);
    int64_t candidates = t->looked_at - t->excluded;
    kpu_text_put(out, "points      ");
    kpu_text_put_grouped(out, raw);
    if (size != raw) {
        kpu_text_put(out, ", of which a run draws ");
        kpu_text_put_grouped(out, size);
    }
    if (t->looked_at < size) {
        kpu_text_put(out, "\nThe counts below are of ");
        kpu_text_put_grouped(out, t->looked_at);
        kpu_text_put(out, " of them, drawn at random.");
    }
    kpu_text_put(out, "\nexcluded    ");
    put_share(out, t->excluded, t->looked_at);
    kpu_text_put(out, " by constraints\ncandidates  ");
    kpu_text_put_grouped(out, candidates);
    kpu_text_put(out, "\nfit         ");
    put_share(out, t->fit, candidates);
    for (int reason = 1; reason < KPU_REASONS; reason++)
        if (t->broken[reason]) {
            kpu_text_format(out, "\n  not: %-10s", kpu_reason_names[reason]);
            put_share(out, t->broken[reason], candidates);
        }
    kpu_text_put(out, "\n");
}

/* The first candidates, with the fields in which a reader looks first. */
static void put_first(const kpu_space *space, const tally *t, kpu_text *out)
{
    enum { FIELDS = 9, PLACES = 3 }; /* TM .. order */
    const char *titles[PLACES + FIELDS] = {"id", "machine", "GEMM"};
    for (size_t f = 0; f < FIELDS; f++)
        titles[PLACES + f] = kpu_candidate_field_at(f)->name;
    kpu_table table;
    kpu_table_init(&table, titles, PLACES + FIELDS);
    for (size_t i = 0; i < t->firsts; i++) {
        const kpu_point *point = &t->first[i];
        kpu_table_add_int(&table, point->index);
        kpu_table_add_text(&table, kpu_space_machine(space, point->machine)->name);
        kpu_table_add_text(&table, kpu_space_gemm(space, point->gemm)->name);
        for (size_t f = 0; f < FIELDS; f++) {
            const kpu_candidate_field *field = kpu_candidate_field_at(f);
            int64_t value = kpu_candidate_field_value(field, &point->candidate);
            if (field->words)
                kpu_table_add_text(&table, field->words[value]);
            else
                kpu_table_add_int(&table, value);
        }
    }
    kpu_text_put(out, t->firsts ? "\nThe first candidates\n" : "");
    if (t->firsts)
        kpu_table_print(&table, KPU_TABLE_TEXT, out);
    kpu_table_fini(&table);
}

int kpu_run_print_plan(const kpu_run *run, kpu_diag *diag)
{
    tally t = {0};
    kpu_text out = {0};
    look(run->space, &t);
    put_names(run->space, &out);
    put_search(run->space, &out);
    put_counts(run->space, &t, &out);
    put_first(run->space, &t, &out);
    int status = out.failed ? kpu_diag_add(diag, KPU_E_MEMORY, "out of memory") : KPU_OK;
    if (!status)
        fwrite(out.data, 1, out.length, stdout);
    kpu_text_fini(&out);
    return status;
}
