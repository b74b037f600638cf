#include "tools/case_options.h"

#include <stdlib.h>
#include <string.h>

#include "tools/machine_files.h"

enum { DIGITS_MAX = 32 };

static kpu_place place_of(const char *option, const char *value)
{
    return (kpu_place){.file = option, .column = 1, .text = value};
}

int kpu_tool_load_machine(const char *machine, const kpu_option_list *set, kpu_machine *out,
                          kpu_diag *diag)
{
    char *path;
    int status = kpu_machine_files_find(machine, &path, diag);
    if (status)
        return status;
    kpu_ini ini = {0};
    status = kpu_ini_read(path, KPU_FILE_MACHINE, &ini, diag);
    for (size_t i = 0; set && i < set->count; i++) {
        int result = kpu_ini_set(&ini, set->items[i], diag);
        status = status ? status : result;
    }
    if (!status)
        status = kpu_machine_from_ini(&ini, out, diag);
    kpu_ini_fini(&ini);
    free(path);
    return status;
}

/* A key of [space] under the name that an option has for it. */
static kpu_key option_key(const char *name, const char *title)
{
    kpu_key key = *kpu_key_find(KPU_FILE_SWEEP, "space", name);
    key.section = NULL;
    key.name = title;
    return key;
}

/* Three numbers with any of `separators` between them; each as the key of that name. */
static int read_three(const char *option, const char *value, const char *separators,
                      const char *const names[3], int64_t out[3], kpu_diag *diag)
{
    const char *at = value;
    const kpu_place place = place_of(option, value);
    int status = KPU_OK;
    for (int i = 0; i < 3; i++) {
        char digits[DIGITS_MAX];
        size_t length = strcspn(at, separators);
        bool ends = at[length] == '\0';
        if (ends != (i == 2) || length >= sizeof digits)
            return kpu_diag_add_at(diag, KPU_E_USAGE, &place, "expected %s%c%s%c%s", names[0],
                                   separators[0], names[1], separators[0], names[2]);
        memcpy(digits, at, length);
        digits[length] = '\0';
        const kpu_key key = option_key(names[i], names[i]);
        int result = kpu_key_parse_int(&key, digits, &place, &out[i], diag);
        status = result ? result : status;
        at += length + 1;
    }
    return status;
}

static int read_gemm(const kpu_case_values *v, kpu_problem *out, kpu_diag *diag)
{
    /* A dimension is a whole number like a tile's, and has its own checks afterwards. */
    static const char *const names[3] = {"TM", "TN", "TK"};
    kpu_diag scratch;
    kpu_diag_init(&scratch);
    const kpu_place place = place_of("--gemm", v->gemm);
    int status = read_three("--gemm", v->gemm, "x", names, out->dim, &scratch);
    kpu_diag_fini(&scratch);
    if (status)
        return kpu_diag_add_at(diag, KPU_E_USAGE, &place,
                               "expected MxNxK, three whole numbers from 1 on, as 512x768x64");
    const kpu_key *key = kpu_key_find(KPU_FILE_SWEEP, "workload", "element_types");
    const char *types = v->types ? v->types : key->fallback;
    const kpu_place types_place = place_of("--types", types);
    kpu_element_types sizes;
    status = kpu_element_types_parse(types, &types_place, &sizes, diag);
    if (status)
        return status;
    memcpy(out->element_bytes, sizes.bytes, sizeof sizes.bytes);
    out->partial_bytes = sizes.partial_bytes;
    return kpu_problem_validate(out, &place, diag);
}

/* A single value of the key of the same name in [space]. */
static int read_word(const char *option, const char *name, const char *value, int64_t *out,
                     kpu_diag *diag)
{
    const kpu_key key = option_key(name, option + strlen("--"));
    const kpu_place place = place_of(option, value);
    if (!value)
        return KPU_OK;
    return key.type == KPU_KEY_WORD ? kpu_key_parse_word(&key, value, &place, out, diag)
                                    : kpu_key_parse_int(&key, value, &place, out, diag);
}

static int read_order(const char *value, int64_t out[KPU_DIMS], kpu_diag *diag)
{
    static const char letters[] = "mnk";
    int64_t number = 0;
    if (!value)
        return KPU_OK;
    int status = read_word("--order", "order", value, &number, diag);
    for (int i = 0; !status && i < KPU_DIMS; i++)
        out[i] = strchr(letters, value[i]) - letters;
    return status;
}

/* "--d2" of one number or three, each as the key d2. */
static int read_buffering(const char *option, const char *value, int64_t out[KPU_OPERANDS],
                          kpu_diag *diag)
{
    const char *const name = option + strlen("--"), *const names[3] = {name, name, name};
    if (!value)
        return KPU_OK;
    const char *second = strpbrk(value, "/,"), *third = second ? strpbrk(second + 1, "/,") : NULL;
    const kpu_place place = place_of(option, value);
    if (second && (!third || strpbrk(third + 1, "/,")))
        return kpu_diag_add_at(diag, KPU_E_USAGE, &place, "expected one number, or three as A/B/C");
    if (second)
        return read_three(option, value, "/,", names, out, diag);
    int64_t depth = 0;
    int status = read_word(option, name, value, &depth, diag);
    for (int x = 0; x < KPU_OPERANDS; x++)
        out[x] = depth;
    return status;
}

static int read_residency(const char *value, kpu_candidate *out, kpu_diag *diag)
{
    static const char form[] = "0-0/0-0/0-0";
    if (!value || strcmp(value, "auto") == 0)
        return KPU_OK;
    bool good = strlen(value) == sizeof form - 1;
    for (size_t i = 0; good && form[i]; i++)
        good = form[i] == '0' ? value[i] >= '0' && value[i] <= '0' + KPU_NEST : value[i] == form[i];
    const kpu_place place = place_of("--residency", value);
    if (!good)
        return kpu_diag_add_at(diag, KPU_E_USAGE, &place,
                               "expected auto, or hoist positions A3-A2/B3-B2/C3-C2 from 0 to %d, "
                               "as 3-4/6-6/6-6",
                               KPU_NEST);
    out->auto_residency = 0;
    for (int x = 0; x < KPU_OPERANDS; x++)
        for (int level = 0; level < KPU_HOIST_LEVELS; level++)
            out->hoist[x][level] = value[4 * x + 2 * level] - '0';
    return KPU_OK;
}

int kpu_case_candidate_read(const kpu_case_values *v, kpu_candidate *out, kpu_diag *diag)
{
    static const char *const tiles[3] = {"TM", "TN", "TK"}, *const blocks[3] = {"BM", "BN", "BK"};
    kpu_candidate_defaults(out);
    out->swap = v->swap;
    const int status[] = {
        v->tile ? read_three("--tile", v->tile, "x", tiles, out->tile, diag) : KPU_OK,
        v->block ? read_three("--block", v->block, "x", blocks, out->block, diag) : KPU_OK,
        read_word("--dataflow", "dataflow", v->dataflow, &out->dataflow, diag),
        read_order(v->order, out->order, diag),
        read_buffering("--d3", v->d3, out->l3_buffers, diag),
        read_buffering("--d2", v->d2, out->l2_buffers, diag),
        read_word("--d1", "d1", v->d1, &out->l1_buffers, diag),
        read_word("--control", "control", v->control, &out->control, diag),
        read_word("--eddo-window", "eddo_window", v->eddo_window, &out->eddo_window, diag),
        read_residency(v->residency, out, diag),
    };
    for (size_t i = 0; i < sizeof status / sizeof *status; i++)
        if (status[i])
            return status[i];
    return KPU_OK;
}

/* What a mapping that nothing times divides by. */
static const kpu_machine no_machine = {.fabric_rows = 1, .fabric_cols = 1};

static int read_case(const kpu_case_values *values, bool needs_machine, kpu_tool_case *out,
                     kpu_diag *diag)
{
    const struct {
        const char *option, *value;
    } required[] = {
        {"--machine", values->machine}, {"--gemm", values->gemm}, {"--tile", values->tile}};
    int status = KPU_OK;
    memset(out, 0, sizeof *out);
    for (size_t i = needs_machine ? 0 : 1; i < sizeof required / sizeof *required; i++)
        if (!required[i].value)
            status = kpu_diag_add(diag, KPU_E_USAGE, "%s is required", required[i].option);
    if (status)
        return status;
    out->machine = no_machine;
    if (values->machine)
        status = kpu_tool_load_machine(values->machine, &values->set, &out->machine, diag);
    int problem = read_gemm(values, &out->problem, diag);
    int candidate = kpu_case_candidate_read(values, &out->candidate, diag);
    status = status ? status : problem ? problem : candidate;
    if (values->eddo_window && !candidate && out->candidate.control != KPU_EDDO)
        status = kpu_diag_add(diag, KPU_E_USAGE, "--eddo-window needs --control eddo");
    kpu_mapping mapping;
    if (!status)
        status = kpu_mapping_make(&out->machine, &out->problem, &out->candidate, &mapping);
    if (!status && mapping.broken >> KPU_LIMIT_INPUT & 1)
        status = kpu_diag_add(diag, KPU_E_INPUT, "no candidate: %s", mapping.input_error);
    return status;
}

int kpu_case_values_read(const kpu_case_values *values, kpu_tool_case *out, kpu_diag *diag)
{
    return read_case(values, true, out, diag);
}

int kpu_case_values_read_untimed(const kpu_case_values *values, kpu_tool_case *out, kpu_diag *diag)
{
    return read_case(values, false, out, diag);
}

bool kpu_case_values_given(const kpu_case_values *v)
{
    return v->machine || v->gemm || v->types || v->tile || v->block || v->dataflow || v->order ||
           v->d3 || v->d2 || v->d1 || v->control || v->eddo_window || v->residency || v->swap ||
           v->set.count > 0;
}
