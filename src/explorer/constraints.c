/* [constraints]: what their expressions may name, and whether a point passes. */
#include "explorer/expression.h"
#include "explorer/space.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef enum owner { OF_CANDIDATE, OF_PROBLEM, OF_MACHINE, COMPUTED } owner;
enum { COMPUTED_ORDER, COMPUTED_L3, COMPUTED_L2, COMPUTED_L1 };

/* All fields of these three that are named here are int64_t. */
#define CANDIDATE(field) OF_CANDIDATE, offsetof(kpu_candidate, field)
#define PROBLEM(field) OF_PROBLEM, offsetof(kpu_problem, field)
#define MACHINE(field) OF_MACHINE, offsetof(kpu_machine, field)

static const struct quantity {
    const char *name;
    owner owner;
    size_t at; /* offset in the owner, or COMPUTED_* */
} quantities[] = {
    {"TM", CANDIDATE(tile[KPU_M])},
    {"TN", CANDIDATE(tile[KPU_N])},
    {"TK", CANDIDATE(tile[KPU_K])},
    {"BM", CANDIDATE(block[KPU_M])},
    {"BN", CANDIDATE(block[KPU_N])},
    {"BK", CANDIDATE(block[KPU_K])},
    {"dataflow", CANDIDATE(dataflow)},
    {"swap", CANDIDATE(swap)},
    {"order", COMPUTED, COMPUTED_ORDER},
    {"d3A", CANDIDATE(l3_buffers[KPU_A])},
    {"d3B", CANDIDATE(l3_buffers[KPU_B])},
    {"d3C", CANDIDATE(l3_buffers[KPU_C])},
    {"d2A", CANDIDATE(l2_buffers[KPU_A])},
    {"d2B", CANDIDATE(l2_buffers[KPU_B])},
    {"d2C", CANDIDATE(l2_buffers[KPU_C])},
    {"d1", CANDIDATE(l1_buffers)},
    {"control", CANDIDATE(control)},
    {"eddo_window", CANDIDATE(eddo_window)},
    {"M", PROBLEM(dim[KPU_M])},
    {"N", PROBLEM(dim[KPU_N])},
    {"K", PROBLEM(dim[KPU_K])},
    {"eA", PROBLEM(element_bytes[KPU_A])},
    {"eB", PROBLEM(element_bytes[KPU_B])},
    {"eC", PROBLEM(element_bytes[KPU_C])},
    {"eP", PROBLEM(partial_bytes)},
    {"R", MACHINE(fabric_rows)},
    {"C", MACHINE(fabric_cols)},
    {"registers_per_pe", MACHINE(registers_per_pe)},
    {"l3_bytes", COMPUTED, COMPUTED_L3},
    {"l2_bytes", COMPUTED, COMPUTED_L2},
    {"l1_bytes", COMPUTED, COMPUTED_L1},
};
enum { QUANTITIES = sizeof quantities / sizeof *quantities };

static int find_slot(void *context, const char *name)
{
    (void)context;
    for (int i = 0; i < QUANTITIES; i++) {
        if (strcmp(quantities[i].name, name) == 0)
            return i;
    }
    return -1;
}

/* The words of a quantity are those of the key that it has in [space]. */
static const char *list_words(void *context, const char *name)
{
    (void)context;
    const kpu_key *key = kpu_key_find(KPU_FILE_SWEEP, "space", name);
    return key ? key->words : NULL;
}

static bool find_word(void *context, const char *name, const char *word, double *value)
{
    const kpu_key *key = kpu_key_find(KPU_FILE_SWEEP, "space", name);
    int64_t number, order[KPU_DIMS];
    (void)context;
    if (!key || !key->words ||
        kpu_key_parse_word(key, word, &(kpu_place){0}, &number, NULL) != KPU_OK)
        return false;
    *value = (double)number;
    if (strcmp(name, "order") == 0 && kpu_order_parse(word, order))
        *value = (double)kpu_order_number(order);
    return true;
}

int kpu_space_read_constraints(kpu_space *space, const kpu_ini *sweep, kpu_diag *diag)
{
    const char *known[QUANTITIES];
    for (int i = 0; i < QUANTITIES; i++)
        known[i] = quantities[i].name;
    const kpu_expression_names names = {.slot = find_slot,
                                        .word = find_word,
                                        .words = list_words,
                                        .known = known,
                                        .known_count = QUANTITIES};
    int worst = KPU_OK;
    space->constraints = calloc(sweep->count + 1, sizeof(kpu_expression *));
    space->constraint_texts = calloc(sweep->count + 1, sizeof(char *));
    if (!space->constraints || !space->constraint_texts)
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    for (size_t i = 0; i < sweep->count; i++) {
        const kpu_setting *s = &sweep->settings[i];
        if (strcmp(s->section, "constraints") != 0)
            continue;
        kpu_expression **next = &space->constraints[space->constraint_count];
        int code = kpu_expression_parse(s->value, &names, &s->place, next, diag);
        worst = code != KPU_OK ? code : worst;
        if (code != KPU_OK)
            continue;
        char *text = strdup(s->value);
        space->constraint_texts[space->constraint_count++] = text;
        if (!text)
            worst = kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    }
    return worst;
}

static int64_t field(const void *base, size_t offset)
{
    int64_t value;
    memcpy(&value, (const char *)base + offset, sizeof value);
    return value;
}

static double compute(const kpu_candidate *candidate, const kpu_machine *machine, size_t what)
{
    switch (what) {
    case COMPUTED_L3: return (double)kpu_machine_capacity_bytes(machine, KPU_LEVEL_L3);
    case COMPUTED_L2: return (double)kpu_machine_capacity_bytes(machine, KPU_LEVEL_L2);
    case COMPUTED_L1: return (double)kpu_machine_capacity_bytes(machine, KPU_LEVEL_L1);
    default: return (double)kpu_order_number(candidate->order);
    }
}

static double quantity_of(const kpu_space *space, const kpu_point *point, const struct quantity *q)
{
    const kpu_machine *machine = kpu_space_machine(space, point->machine);
    const void *owners[] = {[OF_CANDIDATE] = &point->candidate,
                            [OF_PROBLEM] = &kpu_space_gemm(space, point->gemm)->problem,
                            [OF_MACHINE] = machine};
    return q->owner == COMPUTED ? compute(&point->candidate, machine, q->at)
                                : (double)field(owners[q->owner], q->at);
}

bool kpu_space_admits(const kpu_space *space, const kpu_point *point)
{
    double slots[QUANTITIES];
    for (int i = 0; i < QUANTITIES && space->constraint_count > 0; i++)
        slots[i] = quantity_of(space, point, &quantities[i]);
    for (size_t i = 0; i < space->constraint_count; i++) {
        double value = kpu_expression_value(space->constraints[i], slots);
        if (!(value < 0 || value > 0)) /* zero or NaN */
            return false;
    }
    return true;
}

/* Orders have no order: of several, any number is possible. */
static kpu_interval interval_of(const kpu_space *space, const kpu_point *low, const kpu_point *high,
                                const struct quantity *q)
{
    if (q->owner == COMPUTED && q->at == COMPUTED_ORDER &&
        memcmp(low->candidate.order, high->candidate.order, sizeof low->candidate.order) != 0)
        return (kpu_interval){-INFINITY, INFINITY, false};
    return (kpu_interval){quantity_of(space, low, q), quantity_of(space, high, q), false};
}

bool kpu_space_admits_none(const kpu_space *space, const kpu_point *low, const kpu_point *high)
{
    kpu_interval slots[QUANTITIES];
    for (int i = 0; i < QUANTITIES && space->constraint_count > 0; i++)
        slots[i] = interval_of(space, low, high, &quantities[i]);
    for (size_t i = 0; i < space->constraint_count; i++) {
        kpu_interval value = kpu_expression_interval(space->constraints[i], slots);
        if (value.low == 0 && value.high == 0)
            return true;
    }
    return false;
}
