/* What the options ask for. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compile.h"
#include "tools/stored_case.h"

enum { WORD_MAX = 32, PATH_SIZE = 4096 };

/* ---- Words ------------------------------------------------------------------------------- */

/* "expected output-stationary, ... or auto": the words of a list. */
static int complain_word(const char *option, const char *value, const char *const *words,
                         size_t count, kpu_diag *diag)
{
    kpu_text list = {0};
    for (size_t i = 0; i < count; i++)
        kpu_text_format(&list, "%s%s", i == 0 ? "" : i + 1 < count ? ", " : " or ", words[i]);
    const char *near = kpu_nearest_name(value, words, count);
    int code = kpu_diag_add(diag, KPU_E_USAGE, "%s: expected %s, got \"%s\"%s%s%s", option,
                            list.data ? list.data : "a word", value, near ? "; did you mean " : "",
                            near ? near : "", near ? "?" : "");
    kpu_text_fini(&list);
    return code;
}

static const char *const long_dataflows[] = {"output-stationary", "weight-stationary",
                                             "input-stationary"};
_Static_assert(sizeof long_dataflows / sizeof *long_dataflows == KPU_DATAFLOWS,
               "one name for each dataflow, in their order");

/* The dataflow by its long or short name; auto, or none: it is to be chosen. */
static int read_dataflow(const char *value, compiler_request *out, kpu_diag *diag)
{
    const char *words[KPU_DATAFLOWS + 1] = {0};
    out->any_dataflow = !value || strcmp(value, "auto") == 0;
    for (int flow = 0; value && flow < KPU_DATAFLOWS; flow++) {
        words[flow] = long_dataflows[flow];
        if (strcmp(value, long_dataflows[flow]) == 0 ||
            strcmp(value, kpu_dataflow_names[flow]) == 0) {
            out->base.dataflow = flow;
            return KPU_OK;
        }
    }
    words[KPU_DATAFLOWS] = "auto";
    if (out->any_dataflow)
        return KPU_OK;
    return complain_word("--dataflow", value, words, KPU_DATAFLOWS + 1, diag);
}

static int read_strategy(const char *value, compiler_request *out, kpu_diag *diag)
{
    out->strategy = value ? kpu_tile_strategy_find(value) : kpu_tile_strategy_at(0);
    if (out->strategy)
        return KPU_OK;
    size_t count = kpu_tile_strategy_count();
    const char **words = calloc(count, sizeof *words);
    if (!words)
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    for (size_t i = 0; i < count; i++)
        words[i] = kpu_tile_strategy_at(i)->name;
    int code = complain_word("--tile-strategy", value, words, count, diag);
    free(words);
    return code;
}

static int read_format(const char *value, compiler_request *out, kpu_diag *diag)
{
    out->format = KPU_OBJECT_JSON;
    for (int format = 0; value && format < KPU_OBJECT_FORMATS; format++)
        if (strcmp(value, kpu_object_format_names[format]) == 0) {
            out->format = (kpu_object_format)format;
            return KPU_OK;
        }
    return value
               ? complain_word("--format", value, kpu_object_format_names, KPU_OBJECT_FORMATS, diag)
               : KPU_OK;
}

static int read_reuse(const char *value, double *out, kpu_diag *diag)
{
    char *end;
    if (!value)
        return KPU_OK;
    errno = 0;
    *out = strtod(value, &end);
    if (end != value && !*end && !errno && isfinite(*out) && *out >= 0)
        return KPU_OK;
    return kpu_diag_add(diag, KPU_E_USAGE,
                        "--target-reuse: expected MACs per DRAM byte from 0 on, got \"%s\"", value);
}

/* ---- The candidate ----------------------------------------------------------------------- */

/* "D3/D2/D1" cut into the three flags that it stands for. */
static int split_buffering(const char *value, char parts[3][WORD_MAX], kpu_case_values *c,
                           kpu_diag *diag)
{
    const char **flags[] = {&c->d3, &c->d2, &c->d1};
    const char *at = value;
    if (!value)
        return KPU_OK;
    if (c->d3 || c->d2 || c->d1)
        return kpu_diag_add(diag, KPU_E_USAGE,
                            "--buffering and --d3, --d2, --d1 exclude each other");
    for (int i = 0; i < 3; i++) {
        size_t length = strcspn(at, "/");
        if ((at[length] == '\0') != (i == 2) || length == 0 || length >= WORD_MAX)
            return kpu_diag_add(diag, KPU_E_USAGE, "--buffering: expected D3/D2/D1, got \"%s\"",
                                value);
        memcpy(parts[i], at, length);
        parts[i][length] = '\0';
        *flags[i] = parts[i];
        at += length + 1;
    }
    return KPU_OK;
}

static int read_candidate(const compiler_values *v, compiler_request *out, kpu_diag *diag)
{
    char parts[3][WORD_MAX];
    kpu_case_values c = v->c;
    c.dataflow = NULL; /* its words are others here */
    int split = split_buffering(v->buffering, parts, &c, diag);
    int read = kpu_case_candidate_read(&c, &out->base, diag);
    int flow = read_dataflow(v->c.dataflow, out, diag);
    out->has_tile = v->c.tile != NULL;
    int status = split ? split : read ? read : flow;
    if (v->c.tile && v->strategy)
        status = kpu_diag_add(diag, KPU_E_USAGE, "--tile and --tile-strategy exclude each other");
    if (out->any_dataflow && v->c.swap && !status)
        status = kpu_diag_add(diag, KPU_E_USAGE, "--swap needs a --dataflow that is not auto");
    return status;
}

/* ---- --from ------------------------------------------------------------------------------ */

static int check_alone(const compiler_values *v, kpu_diag *diag)
{
    const bool limits = v->min_tile_elements || v->max_tiles_per_dim || v->target_reuse ||
                        v->prefer_square || v->budget || v->objective;
    if (!kpu_case_values_given(&v->c) && !v->strategy && !v->buffering && !limits)
        return KPU_OK;
    return kpu_diag_add(diag, KPU_E_USAGE,
                        "--from says machine, dataflow and tiling; it takes no option that says "
                        "or limits them too");
}

static int read_from(const char *from, compiler_request *out, kpu_diag *diag)
{
    char path[PATH_SIZE];
    kpu_tool_case c;
    const char *colon = strrchr(from, ':');
    if (!colon || colon == from || !colon[1] || (size_t)(colon - from) >= sizeof path)
        return kpu_diag_add(diag, KPU_E_USAGE, "--from: expected RESULTS.h5:ID, got \"%s\"", from);
    snprintf(path, sizeof path, "%.*s", (int)(colon - from), from);
    int status = kpu_stored_case_read(path, colon + 1, &c, diag);
    if (status)
        return status;
    out->machine = c.machine;
    out->problem = c.problem;
    out->base = c.candidate;
    out->has_problem = true;
    return KPU_OK;
}

/* ---- All of it --------------------------------------------------------------------------- */

static int read_choices(const compiler_values *v, compiler_request *out, kpu_diag *diag)
{
    static const char default_machine[] = "default", default_objective[] = "cycles";
    const char *machine = v->c.machine ? v->c.machine : default_machine;
    out->question.objective = v->objective ? v->objective : default_objective;
    const int status[] = {
        kpu_tool_load_machine(machine, &v->c.set, &out->machine, diag),
        read_candidate(v, out, diag),
        read_strategy(v->strategy, out, diag),
        kpu_tiling_check_objective(out->question.objective, diag),
        read_reuse(v->target_reuse, &out->question.limits.target_reuse, diag),
    };
    out->question.limits.min_tile_elements = v->min_tile_elements;
    out->question.limits.max_tiles_per_dim = v->max_tiles_per_dim;
    out->question.limits.prefer_square = v->prefer_square;
    out->question.budget = v->budget;
    out->question.threads = (int)v->threads;
    for (size_t i = 0; i < sizeof status / sizeof *status; i++)
        if (status[i])
            return status[i];
    return KPU_OK;
}

int compiler_request_read(const compiler_values *values, compiler_request *out, kpu_diag *diag)
{
    memset(out, 0, sizeof *out);
    int format = read_format(values->format, out, diag);
    int alone = values->from ? check_alone(values, diag) : KPU_OK;
    if (alone)
        return alone;
    int status =
        values->from ? read_from(values->from, out, diag) : read_choices(values, out, diag);
    return format ? format : status;
}
