#include "simulator/execution.h"

#include <stdlib.h>

static bool is_relevant(int operand, int dim)
{
    return dim != (operand == KPU_A ? KPU_N : operand == KPU_B ? KPU_M : KPU_K);
}

/* ---- What must hold before a byte moves -------------------------------------------------- */

/* A type that sums are kept in holds every element of this one exactly. */
static bool is_exact_in(int dtype, int sum)
{
    if (kpu_dtype_is_float(dtype) != kpu_dtype_is_float(sum) || dtype == KPU_BOOL)
        return false;
    if (kpu_dtype_is_float(dtype))
        return kpu_dtype_bytes(dtype) <= kpu_dtype_bytes(sum);
    return sum == KPU_I64 || kpu_dtype_bytes(dtype) < kpu_dtype_bytes(sum);
}

static int check_types(const execution *e, kpu_diag *diag)
{
    const kpu_matrices *m = e->matrices;
    const kpu_problem *problem = &e->schedule->mapping.problem;
    int sum = m->partial_dtype;
    if (sum < 0 || sum >= KPU_DTYPES || !execution_can_sum(sum))
        return kpu_diag_add(diag, KPU_E_INPUT, "partial sums must be f32, f64, i32 or i64");
    if (kpu_dtype_bytes(sum) != problem->partial_bytes)
        return kpu_diag_add(diag, KPU_E_INPUT,
                            "partial sums are %s, but the schedule moves %lld bytes an element",
                            kpu_dtype_name(sum), (long long)problem->partial_bytes);
    for (int x = 0; x < KPU_OPERANDS; x++) {
        int dtype = m->dtype[x];
        if (dtype < 0 || dtype >= KPU_DTYPES)
            return kpu_diag_add(diag, KPU_E_INPUT, "matrix %c has no known type", "ABC"[x]);
        if (kpu_dtype_bytes(dtype) != problem->element_bytes[x])
            return kpu_diag_add(
                diag, KPU_E_INPUT, "matrix %c is %s, but the schedule moves %lld bytes an element",
                "ABC"[x], kpu_dtype_name(dtype), (long long)problem -> element_bytes[x]);
        if (dtype != sum && !is_exact_in(dtype, sum))
            return kpu_diag_add(diag, KPU_E_INPUT, "matrix %c is %s, which %s does not hold",
                                "ABC"[x], kpu_dtype_name(dtype), kpu_dtype_name(sum));
    }
    return KPU_OK;
}

static int64_t slots_of(const execution *e, int space, int operand)
{
    const kpu_schedule *s = e->schedule;
    const int64_t slots[SPACES] = {
        [SPACE_L3] = s->slots[operand][KPU_HOIST_L3],
        [SPACE_L2] = s->slots[operand][KPU_HOIST_L2],
        [SPACE_L1] = s->l1_slots[operand],
        [SPACE_REGISTERS] = s->register_slots,
    };
    return slots[space];
}

/* Notes that the slot is used; false if there is no such slot. */
static bool use_slot(execution *e, int routed_space, int operand, int64_t slot)
{
    int space = execution_space(e, routed_space, operand);
    if (space == SPACE_DRAM)
        return true;
    if (slot < 0 || slot >= slots_of(e, space, operand))
        return false;
    if (slot >= e->used[space][operand])
        e->used[space][operand] = slot + 1;
    return true;
}

static bool check_slots(execution *e, const kpu_command *c)
{
    if (c->kind != KPU_CMD_FAB)
        return use_slot(e, execution_routes[c->kind].source, c->operand, c->source_slot) &&
               use_slot(e, execution_routes[c->kind].dest, c->operand, c->dest_slot);
    for (int x = 0; x < KPU_OPERANDS; x++)
        if (!use_slot(e, SPACE_EDGE, x, c->use_slot[x]))
            return false;
    return true;
}

static bool check_tile(const execution *e, const kpu_command *c)
{
    for (int d = 0; d < KPU_DIMS; d++)
        if ((c->kind == KPU_CMD_FAB || is_relevant(c->operand, d)) &&
            (c->tile[d] < 0 || c->tile[d] >= e->schedule->mapping.tiles[d]))
            return false;
    return true;
}

static const int8_t operand_of[KPU_COMMANDS] = {
    [KPU_CMD_DMA_LOAD_A] = KPU_A,  [KPU_CMD_DMA_LOAD_B] = KPU_B, [KPU_CMD_DMA_LOAD_C] = KPU_C,
    [KPU_CMD_BM_LOAD_A] = KPU_A,   [KPU_CMD_BM_LOAD_B] = KPU_B,  [KPU_CMD_BM_LOAD_C] = KPU_C,
    [KPU_CMD_STR_A] = KPU_A,       [KPU_CMD_STR_B] = KPU_B,      [KPU_CMD_STR_CIN] = KPU_C,
    [KPU_CMD_FAB] = KPU_C,         [KPU_CMD_STR_COUT] = KPU_C,   [KPU_CMD_BM_STORE_C] = KPU_C,
    [KPU_CMD_DMA_STORE_C] = KPU_C,
};

static const char *first_wrong(execution *e, const kpu_command *c)
{
    if (c->kind >= KPU_COMMANDS || c->operand != operand_of[c->kind])
        return "no such command";
    if (!check_tile(e, c))
        return "a tile that the problem lacks";
    if (!check_slots(e, c))
        return "a slot that the machine lacks";
    if (c->kind != KPU_CMD_FAB &&
        c->bytes != execution_elements(e, c, c->operand) * execution_dest_bytes(e, c))
        return "not the bytes of its tile";
    if (c->start < 0 || c->busy_end <= c->start || c->ready < c->busy_end)
        return "cycles out of order";
    return NULL;
}

int execution_check(execution *e, kpu_diag *diag)
{
    int code = check_types(e, diag);
    if (code)
        return code;
    for (int64_t i = 0; i < e->schedule->command_count; i++) {
        const char *wrong = first_wrong(e, &e->schedule->commands[i]);
        if (wrong)
            return kpu_diag_add(diag, KPU_E_INTERNAL, "command %lld of the schedule: %s",
                                (long long)i, wrong);
    }
    return KPU_OK;
}

/* ---- Memory ------------------------------------------------------------------------------- */

static bool open_slots(execution *e)
{
    for (int space = SPACE_L3; space < SPACES; space++)
        for (int x = 0; x < KPU_OPERANDS; x++) {
            int64_t bytes = 0;
            if (kpu_mul_overflows(e->used[space][x], e->schedule->mapping.slot_bytes[x], &bytes))
                return false;
            char *memory = malloc((size_t)bytes + 1);
            e->memory[space][x] = memory;
            e->writer[space][x] = calloc((size_t)e->used[space][x] + 1, sizeof(int64_t));
            if (!memory || !e->writer[space][x])
                return false;
            execution_spoil(e, x, memory, bytes);
        }
    return true;
}

static bool has_partial_stores(const kpu_schedule *schedule)
{
    for (int64_t i = 0; i < schedule->command_count; i++) {
        const kpu_command *c = &schedule->commands[i];
        if (c->kind == KPU_CMD_DMA_LOAD_C || (c->kind == KPU_CMD_DMA_STORE_C && !c->final))
            return true;
    }
    return false;
}

/* Partial sums that go back to DRAM lie in C's place if they are of its type, else beside it. */
static bool open_dram(execution *e)
{
    const kpu_problem *problem = &e->schedule->mapping.problem;
    int64_t elements = problem->dim[KPU_M] * problem->dim[KPU_N], bytes;
    e->memory[SPACE_DRAM][KPU_A] = (char *)e->matrices->a; /* never a destination */
    e->memory[SPACE_DRAM][KPU_B] = (char *)e->matrices->b;
    e->memory[SPACE_DRAM][KPU_C] = e->matrices->c;
    execution_spoil(e, KPU_C, e->matrices->c, elements * problem->element_bytes[KPU_C]);
    if (e->matrices->dtype[KPU_C] == e->matrices->partial_dtype || !has_partial_stores(e->schedule))
        return true;
    if (kpu_mul_overflows(elements, problem->partial_bytes, &bytes))
        return false;
    e->partials = malloc((size_t)bytes);
    if (!e->partials)
        return false;
    execution_spoil(e, KPU_C, e->partials, bytes);
    e->memory[SPACE_DRAM][KPU_C] = e->partials;
    return true;
}

static bool open_array(execution *e)
{
    const kpu_mapping *mapping = &e->schedule->mapping;
    static const uint8_t dims[KPU_OPERANDS][2] = {{KPU_M, KPU_K}, {KPU_K, KPU_N}, {KPU_M, KPU_N}};
    for (int x = 0; x < KPU_OPERANDS; x++) {
        int64_t elements = mapping->tile[dims[x][0]] * mapping->tile[dims[x][1]], bytes;
        if (kpu_mul_overflows(elements, mapping->problem.partial_bytes, &bytes))
            return false;
        e->work[x] = calloc((size_t)bytes, 1);
        if (!e->work[x])
            return false;
    }
    int space = execution_space(e, SPACE_EDGE, KPU_C);
    e->settled = calloc((size_t)e->used[space][KPU_C] + 1, sizeof *e->settled);
    return e->settled != NULL;
}

static int compare_events(const void *a_, const void *b_)
{
    const execution_event *a = a_, *b = b_;
    if (a->cycle != b->cycle)
        return a->cycle < b->cycle ? -1 : 1;
    if (a->phase != b->phase)
        return a->phase < b->phase ? -1 : 1;
    return a->command < b->command ? -1 : a->command > b->command;
}

static bool open_starts(execution *e)
{
    const kpu_schedule *schedule = e->schedule;
    e->starts = calloc((size_t)schedule->command_count + 1, sizeof *e->starts);
    if (!e->starts)
        return false;
    for (int64_t i = 0; i < schedule->command_count; i++) {
        const kpu_command *c = &schedule->commands[i];
        uint8_t phase = c->kind == KPU_CMD_FAB ? PHASE_COMPUTE : PHASE_START;
        e->starts[i] = (execution_event){.cycle = c->start, .command = i, .phase = phase};
    }
    qsort(e->starts, (size_t)schedule->command_count, sizeof *e->starts, compare_events);
    return true;
}

int execution_open(execution *e, kpu_diag *diag)
{
    if (open_slots(e) && open_dram(e) && open_array(e) && open_starts(e))
        return KPU_OK;
    return kpu_diag_add(diag, KPU_E_MEMORY, "no memory for what the machine holds");
}

void execution_close(execution *e)
{
    for (int x = 0; x < KPU_OPERANDS; x++) {
        for (int space = SPACE_L3; space < SPACES; space++) {
            free(e->memory[space][x]);
            free(e->writer[space][x]);
        }
        free(e->work[x]);
    }
    free(e->partials);
    for (int64_t i = 0; i < e->flight_count; i++)
        free(e->flights[i].bytes);
    free(e->flights);
    free(e->heap);
    free(e->starts);
    free(e->settled);
}
