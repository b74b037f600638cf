/* What the options ask for. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compile.h"
#include "tools/stored_case.h"

enum { WORD_MAX = 32 };

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
    if (out->any_dataflow && v->c.swap && !status)
        status = kpu_diag_add(diag, KPU_E_USAGE, "--swap needs a --dataflow that is not auto");
    if (v->c.eddo_window && !read && out->base.control != KPU_EDDO)
        status = kpu_diag_add(diag, KPU_E_USAGE, "--eddo-window needs --control eddo");
    return status;
}

/* ---- Options that exclude each other ----------------------------------------------------- */

/* The first option that is given of those that say how a tiling is chosen; NULL: none. */
static const char *choosing_option(const compiler_values *v)
{
    const struct {
        const char *name;
        bool given;
    } options[] = {
        {"--tile-strategy", v->strategy != NULL},
        {"--objective", v->objective != NULL},
        {"--min-tile-elements", v->min_tile_elements != 0},
        {"--max-tiles-per-dim", v->max_tiles_per_dim != 0},
        {"--target-reuse", v->target_reuse != NULL},
        {"--prefer-square", v->prefer_square},
        {"--budget", v->budget != 0},
    };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (options[i].given)
            return options[i].name;
    return NULL;
}

static int check_choosing(const compiler_values *v, const compiler_request *request, kpu_diag *diag)
{
    const char *choosing = choosing_option(v);
    if (v->c.tile && choosing)
        return kpu_diag_add(diag, KPU_E_USAGE,
                            "--tile and %s exclude each other: a given tile is not chosen",
                            choosing);
    if (v->budget && request->strategy && !request->strategy->takes_budget)
        return kpu_diag_add(diag, KPU_E_USAGE,
                            "--budget needs --tile-strategy search; %s takes none",
                            request->strategy->name);
    return KPU_OK;
}

bool compiler_only_dumps(const compiler_values *v)
{
    bool compiles = v->output || v->emit_dfx || v->emit_flat || v->verbose;
    return !compiles && !v->from && !v->buffering && !kpu_case_values_given(&v->c) &&
           !choosing_option(v);
}

/* ---- --from ------------------------------------------------------------------------------ */

static int check_alone(const compiler_values *v, kpu_diag *diag)
{
    if (!kpu_case_values_given(&v->c) && !v->buffering && !choosing_option(v))
        return KPU_OK;
    return kpu_diag_add(diag, KPU_E_USAGE,
                        "--from says machine, dataflow and tiling; it takes no option that says "
                        "or limits them too");
}

const char *compiler_split_from(const char *from, char path[COMPILER_PATH_SIZE])
{
    const char *colon = strrchr(from, ':');
    if (!colon || colon == from || !colon[1] || colon - from >= COMPILER_PATH_SIZE)
        return NULL;
    snprintf(path, COMPILER_PATH_SIZE, "%.*s", (int)(colon - from), from);
    return colon + 1;
}

static int check_from(const compiler_values *v, compiler_request *out, kpu_diag *diag)
{
    char path[COMPILER_PATH_SIZE];
    int status = check_alone(v, diag);
    out->has_problem = true;
    if (status || compiler_split_from(v->from, path))
        return status;
    return kpu_diag_add(diag, KPU_E_USAGE, "--from: expected RESULTS.h5:ID, got \"%s\"", v->from);
}

static int load_from(const char *from, compiler_request *out, kpu_diag *diag)
{
    char path[COMPILER_PATH_SIZE];
    kpu_tool_case c;
    const char *id = compiler_split_from(from, path);
    int status = kpu_stored_case_read(path, id, &c, diag);
    if (status)
        return status;
    out->machine = c.machine;
    out->problem = c.problem;
    out->base = c.candidate;
    return KPU_OK;
}

/* ---- All of it --------------------------------------------------------------------------- */

static int read_choices(const compiler_values *v, compiler_request *out, kpu_diag *diag)
{
    static const char default_objective[] = "cycles";
    out->question.objective = v->objective ? v->objective : default_objective;
    const int status[] = {
        read_candidate(v, out, diag),
        read_strategy(v->strategy, out, diag),
        kpu_tiling_check_objective(out->question.objective, diag),
        read_reuse(v->target_reuse, &out->question.limits.target_reuse, diag),
        check_choosing(v, out, diag),
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
    int status = values->from ? check_from(values, out, diag) : read_choices(values, out, diag);
    return format ? format : status;
}

int compiler_request_load(const compiler_values *values, compiler_request *out, kpu_diag *diag)
{
    static const char default_machine[] = "default";
    if (values->from)
        return load_from(values->from, out, diag);
    return kpu_tool_load_machine(values->c.machine ? values->c.machine : default_machine,
                                 &values->c.set, &out->machine, diag);
}
