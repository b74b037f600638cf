/* A JSON case -> machine, problem, candidate. Strict: a field that is missing, unknown or of the
 * wrong type is a complaint that names it, and all complaints of a case are gathered. */
#include <string.h>

#include "base/json.h"
#include "kpu/report.h"
#include "report/case_fields.h"

enum { KNOWN_NAMES_MAX = 32, PATH_MAX_BYTES = 96, NUMBER_BYTES = 40 };

typedef struct reader {
    kpu_diag *diag;
    int status;
    const char *parent, *group; /* "hw", "dma"; parent may be "" */
    void *target;               /* the structure that is filled */
} reader;

/* "hw.dma.latency: message" */
static void complain(reader *r, const char *field, const char *message)
{
    char path[PATH_MAX_BYTES];
    snprintf(path, sizeof path, "%s%s%s%s%s", r->parent, *r->parent ? "." : "", r->group,
             *field && *r->group ? "." : "", field);
    r->status = kpu_diag_add(r->diag, KPU_E_INPUT, "%s: %s", path, message);
}

static void complain_type(reader *r, const char *field, const char *expected, const json_t *got)
{
    char message[PATH_MAX_BYTES];
    snprintf(message, sizeof message, "expected %s, got %s", expected, json_node_type_text(got));
    complain(r, field, message);
}

/* ---- Values, one reader a type ---------------------------------------------------------- */

static void read_int(reader *r, const kpu_field *field, const json_t *value, void *out)
{
    if (json_is_integer(value))
        *(int64_t *)out = json_integer_value(value);
    else if (json_is_boolean(value) && strcmp(field->name, "swap") == 0)
        *(int64_t *)out = json_is_true(value);
    else
        complain_type(r, field->name, "an integer", value);
}

static void read_real(reader *r, const kpu_field *field, const json_t *value, void *out)
{
    if (json_is_number(value))
        *(double *)out = json_number_value(value);
    else
        complain_type(r, field->name, "a number", value);
}

static bool rational_of(const json_t *value, kpu_rational *out)
{
    if (json_is_integer(value))
        return kpu_rational_make(json_integer_value(value), 1, out);
    if (json_is_string(value))
        return kpu_rational_parse(json_string_value(value), out);
    if (json_is_real(value)) {
        /* What the user wrote, as a decimal: 12.8 is 64/5, not the nearest double. */
        char digits[NUMBER_BYTES];
        snprintf(digits, sizeof digits, "%.15g", json_real_value(value));
        return kpu_rational_parse(digits, out);
    }
    const json_t *num = json_array_get(value, 0), *den = json_array_get(value, 1);
    return json_array_size(value) == 2 && json_is_integer(num) && json_is_integer(den) &&
           kpu_rational_make(json_integer_value(num), json_integer_value(den), out);
}

static void read_rational(reader *r, const kpu_field *field, const json_t *value, void *out)
{
    if (!rational_of(value, out))
        complain_type(r, field->name, "[num, den], a number or a string such as \"400/3\"", value);
}

static void read_word(reader *r, const kpu_field *field, const json_t *value, void *out)
{
    const char *word = json_string_value(value);
    for (size_t i = 0; word && i < field->word_count; i++)
        if (strcmp(word, field->words[i]) == 0) {
            *(int64_t *)out = (int64_t)i;
            return;
        }
    kpu_text message = {0};
    kpu_text_put(&message, "expected one of");
    for (size_t i = 0; i < field->word_count; i++)
        kpu_text_format(&message, "%s \"%s\"", i > 0 ? "," : "", field->words[i]);
    kpu_text_format(&message, ", got %s%.20s%s", word ? "\"" : "",
                    word ? word : json_node_type_text(value), word ? "\"" : "");
    complain(r, field->name, message.data ? message.data : "unknown word");
    kpu_text_fini(&message);
}

static void read_order(reader *r, const kpu_field *field, const json_t *value, void *out)
{
    static const char letters[] = "mnk";
    const char *word = json_string_value(value);
    unsigned seen = 0;
    int64_t *order = out;
    for (int i = 0; word && strlen(word) == KPU_DIMS && i < KPU_DIMS; i++) {
        const char *letter = strchr(letters, word[i]);
        if (!letter)
            break;
        order[i] = letter - letters;
        seen |= 1u << order[i];
    }
    if (seen != (1u << KPU_DIMS) - 1)
        complain(r, field->name, "expected a permutation of \"mnk\"");
}

/* The member of operand x of {"A": .., "B": .., "C": ..}, or NULL. */
static const json_t *operand_of(const json_t *object, int x)
{
    static const char *const letters[KPU_OPERANDS] = {"A", "B", "C"};
    return json_object_size(object) == KPU_OPERANDS ? json_object_get(object, letters[x]) : NULL;
}

static void read_buffering(reader *r, const kpu_field *field, const json_t *value, void *out)
{
    int64_t *depth = out;
    for (int x = 0; x < KPU_OPERANDS; x++) {
        const json_t *one = json_is_integer(value) ? value : operand_of(value, x);
        if (!json_is_integer(one)) {
            complain_type(r, field->name, "an integer, or {\"A\": .., \"B\": .., \"C\": ..}",
                          value);
            return;
        }
        depth[x] = json_integer_value(one);
    }
}

static void read_residency(reader *r, const kpu_field *field, const json_t *value, void *out)
{
    kpu_candidate *candidate = r->target;
    const char *word = json_string_value(value);
    int64_t *is_auto = out;
    *is_auto = word && strcmp(word, "auto") == 0;
    for (int x = 0; x < KPU_OPERANDS && !*is_auto; x++) {
        const json_t *pair = operand_of(value, x);
        for (int level = 0; level < KPU_HOIST_LEVELS; level++) {
            const json_t *hoist = json_array_get(pair, (size_t)level);
            if (json_array_size(pair) != KPU_HOIST_LEVELS || !json_is_integer(hoist)) {
                complain(r, field->name,
                         "expected \"auto\" or {\"A\": [p3, p2], \"B\": .., "
                         "\"C\": ..}");
                return;
            }
            candidate->hoist[x][level] = json_integer_value(hoist);
        }
    }
}

typedef void (*value_reader)(reader *r, const kpu_field *field, const json_t *value, void *out);

static const value_reader value_readers[] = {
    [KPU_FIELD_INT] = read_int,
    [KPU_FIELD_RATIONAL] = read_rational,
    [KPU_FIELD_REAL] = read_real,
    [KPU_FIELD_WORD] = read_word,
    [KPU_FIELD_ORDER] = read_order,
    [KPU_FIELD_BUFFERING] = read_buffering,
    [KPU_FIELD_RESIDENCY] = read_residency,
};

/* ---- Objects ---------------------------------------------------------------------------- */

static void complain_unknown(reader *r, const json_t *object, const char *const *known,
                             size_t count)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)object, name, value)
    {
        size_t i = 0;
        while (i < count && strcmp(name, known[i]) != 0)
            i++;
        if (i < count)
            continue;
        const char *nearest = kpu_nearest_name(name, known, count);
        char message[PATH_MAX_BYTES], field[PATH_MAX_BYTES / 3];
        snprintf(message, sizeof message,
                 nearest ? "unknown field; did you mean \"%s\"?" : "unknown field", nearest);
        snprintf(field, sizeof field, "%s", name);
        complain(r, field, message);
    }
}

static bool is_object(reader *r, const json_t *object)
{
    if (json_is_object(object))
        return true;
    if (object)
        complain_type(r, "", "an object", object);
    else
        complain(r, "", "missing");
    return false;
}

static void read_group(reader *r, const json_t *parent, const kpu_field_group *group)
{
    const json_t *object = json_object_get(parent, group->name);
    const char *known[KNOWN_NAMES_MAX];
    size_t found = 0;
    r->group = group->name;
    if (!is_object(r, object))
        return;
    for (size_t i = 0; i < group->count; i++) {
        const kpu_field *field = &group->fields[i];
        const json_t *value = json_object_get(object, field->name);
        known[i] = field->name;
        if (value) {
            value_readers[field->type](r, field, value, (char *)r->target + field->offset);
            found++;
        } else if (!field->optional) {
            complain(r, field->name, "missing");
        }
    }
    if (found < json_object_size(object))
        complain_unknown(r, object, known, group->count);
}

static void read_machine(reader *r, const json_t *root, kpu_machine *machine)
{
    const json_t *hw = json_object_get(root, "hw");
    const char *known[KPU_HW_GROUPS];
    strcpy(machine->name, "hw"); /* for the complaints of its validation */
    r->target = machine;
    r->group = "hw";
    if (!is_object(r, hw))
        return;
    r->parent = "hw";
    for (size_t i = 0; i < KPU_HW_GROUPS; i++) {
        known[i] = kpu_hw_groups[i].name;
        read_group(r, hw, &kpu_hw_groups[i]);
    }
    r->group = "";
    if (json_object_size(hw) > KPU_HW_GROUPS)
        complain_unknown(r, hw, known, KPU_HW_GROUPS);
    r->parent = "";
}

static int read_case(const json_t *root, kpu_machine *machine, kpu_problem *problem,
                     kpu_candidate *candidate, kpu_diag *diag)
{
    static const char *const known[] = {"hw", "problem", "candidate", "expect"};
    reader r = {.diag = diag, .status = KPU_OK, .parent = "", .group = ""};
    if (!json_is_object(root))
        return kpu_diag_add(diag, KPU_E_INPUT,
                            "expected an object {\"hw\", \"problem\", \"candidate\"}, got %s",
                            json_node_type_text(root));
    read_machine(&r, root, machine);
    r.target = problem;
    read_group(&r, root, &kpu_problem_group);
    r.target = candidate;
    read_group(&r, root, &kpu_candidate_group);
    r.group = "";
    complain_unknown(&r, root, known, sizeof known / sizeof *known);
    return r.status ? r.status : kpu_machine_validate(machine, diag);
}

int kpu_case_parse(const char *json, size_t bytes, kpu_machine *machine, kpu_problem *problem,
                   kpu_candidate *candidate, kpu_diag *diag)
{
    json_error_t error;
    json_t *root = json_loadb(json, bytes, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        return kpu_diag_add(diag, KPU_E_INPUT, "not JSON: column %d: %s", error.column, error.text);
    memset(machine, 0, sizeof *machine);
    memset(problem, 0, sizeof *problem);
    kpu_candidate_defaults(candidate);
    int status = read_case(root, machine, problem, candidate, diag);
    json_decref(root);
    return status;
}
