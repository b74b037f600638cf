/* kpu-dse certify: is the front in a results file complete and correct, as a certificate says? */
#include "tools/certify.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "kpu/report.h"
#include "tools/command.h"
#include "tools/output.h"
#include "tools/results_input.h"
#include "tools/stored_space.h"

enum { THREADS_MAX = 4096 };

typedef struct values {
    int64_t threads;
    bool json, quiet, fast_forward;
} values;

static const kpu_option options[] = {
    {"jobs", 'j', KPU_OPTION_INT, offsetof(values, threads), "N",
     "threads; without it one a core. The answer does not depend on it", 1, THREADS_MAX},
    {"fast-forward", 0, KPU_OPTION_FLAG, offsetof(values, fast_forward), NULL,
     "time candidates that are not on the front as the search does, by repeating what repeats", 0,
     0},
    {"json", 0, KPU_OPTION_FLAG, offsetof(values, json), NULL,
     "print the answer as one JSON object", 0, 0},
    {"quiet", 'q', KPU_OPTION_FLAG, offsetof(values, quiet), NULL,
     "no progress and no summary; the exit code tells", 0, 0},
};

/* What a box is closed by, as the summary has it. */
static const struct closing {
    const char *name, *key;
} closings[KPU_CERTIFY_CLOSINGS] = {
    [KPU_CERTIFY_EMPTY] = {"unfit or excluded", "infeasible"},
    [KPU_CERTIFY_RULED_OUT] = {"ruled out by a bound", "ruled_out"},
    [KPU_CERTIFY_MEMBER] = {"on the front", "members"},
    [KPU_CERTIFY_SIMULATED] = {"timed, dominated", "simulated"},
    [KPU_CERTIFY_NO_NUMBER] = {"timed, no number", "no_number"},
};

typedef struct session {
    const values *v;
    const char *results_path, *certificate_path;
    kpu_results *results;
    kpu_space *space;
    kpu_gzip_reader *certificate;
    kpu_certify_facts facts;
    double start; /* seconds */
    double shown; /* when the progress was shown last */
    bool shows_progress;
} session;

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int64_t total(const int64_t counts[KPU_CERTIFY_CLOSINGS])
{
    int64_t sum = 0;
    for (int i = 0; i < KPU_CERTIFY_CLOSINGS; i++)
        sum += counts[i];
    return sum;
}

static bool show_progress(void *context, const kpu_certify_facts *facts)
{
    const double interval = 0.2;
    session *s = context;
    double now = seconds();
    if (!s->shows_progress || now - s->shown < interval)
        return false;
    s->shown = now;
    kpu_text line = {0};
    int64_t done = total(facts->candidates), all = kpu_space_raw_size(s->space);
    kpu_text_put_grouped(&line, total(facts->boxes));
    kpu_text_put(&line, " boxes checked, ");
    kpu_text_put_grouped(&line, done);
    kpu_text_put(&line, " of ");
    kpu_text_put_grouped(&line, all);
    kpu_text_format(&line, " candidates, %.1f %%", 100.0 * (double)done / (double)all);
    if (!line.failed)
        fprintf(stderr, "\r%.78s\033[K", line.data);
    kpu_text_fini(&line);
    return false;
}

/* ---- The answer -------------------------------------------------------------------------- */

static void put_closing(kpu_text *out, const session *s, int closing)
{
    int64_t boxes = s->facts.boxes[closing], candidates = s->facts.candidates[closing];
    if (boxes == 0)
        return;
    kpu_text_format(out, "  %-22s", closings[closing].name);
    kpu_text_put_grouped(out, candidates);
    if (boxes != candidates) {
        kpu_text_put(out, boxes == 1 ? " in 1 box" : " in ");
        if (boxes > 1) {
            kpu_text_put_grouped(out, boxes);
            kpu_text_put(out, " boxes");
        }
    }
    kpu_text_put(out, "\n");
}

static void put_summary(kpu_text *out, const session *s)
{
    size_t gemms = kpu_space_gemm_count(s->space);
    kpu_text_format(out, "%s holds: no candidate of the space is missing on the front%s in %s\n",
                    s->certificate_path, gemms == 1 ? "" : "s", s->results_path);
    kpu_text_put(out, "candidates              ");
    kpu_text_put_grouped(out, total(s->facts.candidates));
    kpu_text_put(out, "\n");
    for (int i = 0; i < KPU_CERTIFY_CLOSINGS; i++)
        put_closing(out, s, i);
    kpu_text_put(out, "boxes                   ");
    kpu_text_put_grouped(out, total(s->facts.boxes));
    kpu_text_format(out, "\n%.2f s\n", seconds() - s->start);
}

static void put_counts(kpu_text *out, const char *key, const int64_t counts[KPU_CERTIFY_CLOSINGS])
{
    kpu_text_format(out, ",\"%s\":{\"all\":%lld", key, (long long)total(counts));
    for (int i = 0; i < KPU_CERTIFY_CLOSINGS; i++)
        kpu_text_format(out, ",\"%s\":%lld", closings[i].key, (long long)counts[i]);
    kpu_text_put(out, "}");
}

/* The first complaint is the reason why it does not hold. */
static void put_json(kpu_text *out, const session *s, int status, const kpu_diag *diag)
{
    kpu_text_format(out, "{\"holds\":%s,\"results\":", status ? "false" : "true");
    kpu_text_put_json_string(out, s->results_path);
    kpu_text_put(out, ",\"certificate\":");
    kpu_text_put_json_string(out, s->certificate_path);
    if (status) {
        kpu_text_put(out, ",\"file\":");
        kpu_text_put_json_string(out, diag->entries[0].file ? diag->entries[0].file : "");
        kpu_text_format(out, ",\"line\":%lld,\"reason\":", (long long)diag->entries[0].line);
        kpu_text_put_json_string(out, diag->entries[0].message);
    } else {
        kpu_text_format(out, ",\"members\":%zu,\"lines\":%lld", s->facts.member_count,
                        (long long)s->facts.lines);
        put_counts(out, "candidates", s->facts.candidates);
        put_counts(out, "boxes", s->facts.boxes);
        kpu_text_format(out, ",\"seconds\":%.3f", seconds() - s->start);
    }
    kpu_text_put(out, "}\n");
}

static int answer(const session *s, int status, kpu_diag *diag)
{
    kpu_text out = {0};
    bool is_answer = status == KPU_OK || status == KPU_E_REFUTED;
    if (s->v->json && is_answer && (status == KPU_OK || diag->count > 0))
        put_json(&out, s, status, diag);
    else if (status == KPU_OK && !s->v->quiet)
        put_summary(&out, s);
    int printed = kpu_tool_print(&out);
    return status ? status : printed;
}

/* ---- The command ------------------------------------------------------------------------- */

static int read_certificate(void *context, char *bytes, size_t size, size_t *got, kpu_diag *diag)
{
    return kpu_gzip_reader_read(context, bytes, size, got, diag);
}

static int check(session *s, kpu_diag *diag)
{
    const kpu_certify_source source = {
        .name = s->certificate_path, .read = read_certificate, .context = s->certificate};
    const kpu_certify_options how = {.threads = (int)s->v->threads,
                                     .fast_forward = s->v->fast_forward,
                                     .progress = show_progress,
                                     .context = s};
    const kpu_certify_results compared = {.results = s->results,
                                          .path = s->results_path,
                                          .space = s->space,
                                          .facts = &s->facts,
                                          .options = &how};
    s->shows_progress = !s->v->quiet && isatty(STDERR_FILENO);
    int status = kpu_certify(s->space, &source, &how, &s->facts, diag);
    if (s->shown > 0)
        fputs("\r\033[K", stderr);
    return status ? status : kpu_certify_compare_rows(&compared, diag);
}

static int run(const kpu_call *call)
{
    session s = {.v = call->values,
                 .results_path = call->operands[0],
                 .certificate_path = call->operands[1],
                 .start = seconds()};
    int status = kpu_tool_open_results(s.results_path, &s.results, call->diag);
    if (!status)
        status = kpu_gzip_reader_open(s.certificate_path, &s.certificate, call->diag);
    if (!status)
        status = kpu_stored_space_read(s.results, s.results_path, &s.space, call->diag);
    if (!status)
        status = check(&s, call->diag);
    status = answer(&s, status, call->diag);
    kpu_certify_facts_fini(&s.facts);
    kpu_gzip_reader_close(s.certificate);
    kpu_space_free(s.space);
    kpu_results_close(s.results);
    return status;
}

const kpu_tool_command kpu_command_certify = {
    .name = "certify",
    .operands = "RESULTS CERTIFICATE",
    .min_operands = 2,
    .max_operands = 2,
    .summary = "check that the fronts of an exact search are complete and correct",
    .details = "The certificate is what run --certificate wrote beside RESULTS; .gz is read too.\n"
               "Space, members and bounds are computed again, by code that shares nothing with\n"
               "the search. Exit code: 0 it holds, 1 it does not, for the reason given, 2 a file\n"
               "cannot be read.\n",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .values_bytes = sizeof(values),
    .run = run,
};
