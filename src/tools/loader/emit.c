/* --emit: what each engine is told, as JSON (docs/loader.md, "Descriptors"). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "kpu/compiler.h"
#include "tools/file_sink.h"
#include "tools/loader/loader.h"

/* What has gathered goes to the file now and then. */
enum { PIECE_BYTES = 1 << 16 };

typedef struct emit_state {
    kpu_file_sink file;
    kpu_sink sink;
    kpu_text text;
} emit_state;

/* What a list of descriptors is made of. */
typedef struct listing {
    emit_state *state;
    const kpu_schedule *schedule;
    kpu_program program;
    int64_t start_cycle;
} listing;

static bool wants_emit(const loader_values *values)
{
    return values->emit != NULL;
}

static int pass_on(const loader_job *job, emit_state *s, size_t least)
{
    if (s->text.failed)
        return loader_no_memory(job->diag);
    if (s->text.length == 0 || s->text.length < least)
        return KPU_OK;
    int status = s->sink.take(s->sink.context, s->text.data, s->text.length);
    kpu_text_clear(&s->text);
    return status;
}

/* ---- Pieces ------------------------------------------------------------------------------ */

static void put_field(kpu_text *out, const char *name, int64_t value)
{
    kpu_text_format(out, ", \"%s\": %" PRId64, name, value);
}

static void put_word(kpu_text *out, const char *name, const char *word)
{
    kpu_text_format(out, ", \"%s\": ", name);
    kpu_text_put_json_string(out, word);
}

/* {"engine", "cycle", "op", "tile"}, without the closing brace. */
static void put_head(const listing *l, const kpu_command *c, const char *op)
{
    char tile[KPU_COMMAND_TILE_TEXT], engine[KPU_ENGINE_TEXT];
    kpu_text *out = &l->state->text;
    kpu_text_put(out, "{\"engine\": ");
    kpu_text_put_json_string(out, kpu_engine_text(kpu_command_class(c->kind), c->engine, engine));
    put_field(out, "cycle", l->start_cycle + c->start);
    put_word(out, "op", op);
    put_word(out, "tile", kpu_command_tile_text(c, tile));
}

/* A tile where it lies dense, in L3, L2 or L1: which unit of that memory its first byte is in. */
static void put_place(const listing *l, const kpu_command *c, int side, const char *unit)
{
    const kpu_layout *layout = &l->schedule->layout;
    const int64_t address = kpu_command_address(l->schedule, c, side);
    kpu_text *out = &l->state->text;
    const struct {
        const char *name;
        int64_t bytes;
    } units[] = {{"tile_id", layout->l3_tile_bytes},
                 {"bank_id", layout->l2_bank_bytes},
                 {"buffer_id", layout->l1_buffer_bytes}};
    kpu_text_put(out, side == KPU_COMMAND_SOURCE ? ", \"source\": {" : ", \"dest\": {");
    if (address < 0) { /* the array's registers */
        kpu_text_format(out, "\"register_half\": %" PRId64 "}",
                        side == KPU_COMMAND_SOURCE ? c->source_slot : c->dest_slot);
        return;
    }
    kpu_text_format(out, "\"base_address\": %" PRId64, address);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(unit, units[i].name) == 0)
            put_field(out, unit, address / units[i].bytes);
    kpu_text_put(out, "}");
}

/* Rows and columns of a command's tile; as they lie in DRAM and L3 if `as_stored`. */
typedef struct tile_shape {
    int64_t rows, columns, element_bytes;
} tile_shape;

static tile_shape shape_of(const listing *l, const kpu_command *c, bool as_stored)
{
    static const uint8_t dims[KPU_OPERANDS][2] = {{KPU_M, KPU_K}, {KPU_K, KPU_N}, {KPU_M, KPU_N}};
    int64_t extent[KPU_DIMS];
    bool turned = as_stored && l->schedule->mapping.problem.transposed[c->operand];
    kpu_command_extent(l->schedule, c, extent);
    tile_shape shape = {.rows = extent[dims[c->operand][turned]],
                        .columns = extent[dims[c->operand][!turned]]};
    shape.element_bytes = c->bytes / (shape.rows * shape.columns);
    return shape;
}

/* ---- One engine class each ---------------------------------------------------------------- */

/* Strided in DRAM, dense in L3. */
static void put_dma(const listing *l, const kpu_command *c)
{
    static const uint8_t column_dims[KPU_OPERANDS][2] = {
        {KPU_K, KPU_M}, {KPU_N, KPU_K}, {KPU_N, KPU_N}};
    const kpu_problem *problem = &l->schedule->mapping.problem;
    const bool loads = c->kind != KPU_CMD_DMA_STORE_C;
    const int dram = loads ? KPU_COMMAND_SOURCE : KPU_COMMAND_DEST;
    const tile_shape shape = shape_of(l, c, true);
    const int row_dim = column_dims[c->operand][problem->transposed[c->operand]];
    kpu_text *out = &l->state->text;
    put_head(l, c, loads ? "load" : "store");
    kpu_text_format(out, ", \"dram\": {\"base_address\": %" PRId64,
                    kpu_command_address(l->schedule, c, dram));
    put_field(out, "rows", shape.rows);
    put_field(out, "row_bytes", shape.columns * shape.element_bytes);
    put_field(out, "pitch", problem->dim[row_dim] * shape.element_bytes);
    kpu_text_put(out, "}");
    put_place(l, c, loads ? KPU_COMMAND_DEST : KPU_COMMAND_SOURCE, "tile_id");
    kpu_text_put(out, "}");
}

/* Rows in, the same rows or columns out. */
static void put_block_mover(const listing *l, const kpu_command *c)
{
    const bool loads = c->kind != KPU_CMD_BM_STORE_C;
    const bool turns = loads && l->schedule->mapping.problem.transposed[c->operand];
    const tile_shape shape = shape_of(l, c, turns);
    kpu_text *out = &l->state->text;
    put_head(l, c, loads ? "load" : "store");
    put_word(out, "transform", turns ? "transpose" : "copy");
    put_field(out, "rows", shape.rows);
    put_field(out, "columns", shape.columns);
    put_field(out, "element_bytes", shape.element_bytes);
    put_place(l, c, KPU_COMMAND_SOURCE, loads ? "tile_id" : "bank_id");
    put_place(l, c, KPU_COMMAND_DEST, loads ? "bank_id" : "tile_id");
    kpu_text_put(out, "}");
}

/* How often L1 feeds a streamed tile to the array, or takes it back: once a pass in which the array
 * holds another part of what the operand does not have. The stationary tile moves once. */
static int64_t passes_of(const listing *l, const kpu_command *c)
{
    static const uint8_t lacks[KPU_OPERANDS] = {KPU_N, KPU_M, KPU_K};
    const kpu_program *p = &l->program;
    const kpu_command *step = c;
    int64_t extent[KPU_DIMS];
    if (c->operand == p->stationary)
        return 1;
    while (step->kind != KPU_CMD_FAB) /* its step's tile along every dimension */
        step += c->kind == KPU_CMD_STR_COUT ? -1 : 1;
    kpu_command_extent(l->schedule, step, extent);
    const kpu_machine *m = &l->schedule->machine;
    if (lacks[c->operand] == p->col_dim)
        return kpu_ceil_div(extent[p->col_dim], m->fabric_cols);
    return kpu_ceil_div(extent[p->row_dim], m->fabric_rows);
}

static void put_streamer(const listing *l, const kpu_command *c)
{
    static const char *const orders[KPU_OPERANDS] = {"rows", "columns", "rows"};
    const bool drains = c->kind == KPU_CMD_STR_COUT;
    const tile_shape shape = shape_of(l, c, false);
    kpu_text *out = &l->state->text;
    put_head(l, c, drains ? "drain" : c->run_begins ? "preload" : "inject");
    put_word(out, "order", orders[c->operand]);
    put_field(out, "rows", shape.rows);
    put_field(out, "columns", shape.columns);
    put_field(out, "element_bytes", shape.element_bytes);
    put_field(out, "first_datum_cycle",
              l->start_cycle + c->start +
                  kpu_schedule_latency(l->schedule, kpu_command_class(c->kind)));
    put_field(out, "passes", passes_of(l, c));
    put_place(l, c, KPU_COMMAND_SOURCE, drains ? "buffer_id" : "bank_id");
    put_place(l, c, KPU_COMMAND_DEST, drains ? "bank_id" : "buffer_id");
    kpu_text_put(out, "}");
}

/* ---- The file ---------------------------------------------------------------------------- */

/* The three lists of a run; KPU_ENGINE_FAB: no list. */
typedef struct engine_list {
    const char *name;
    uint32_t classes; /* bit KPU_ENGINE_* */
    void (*put)(const listing *l, const kpu_command *c);
} engine_list;
static const engine_list engine_lists[] = {
    {"dma_descriptors", 1u << KPU_ENGINE_DMA, put_dma},
    {"block_mover_transforms", 1u << KPU_ENGINE_BM, put_block_mover},
    {"streamer_patterns",
     1u << KPU_ENGINE_STR_A | 1u << KPU_ENGINE_STR_B | 1u << KPU_ENGINE_STR_CIN |
         1u << KPU_ENGINE_STR_COUT,
     put_streamer},
};
enum { ENGINE_LISTS = sizeof engine_lists / sizeof *engine_lists };

static int put_list(const loader_job *job, const listing *l, const engine_list *list)
{
    kpu_text *out = &l->state->text;
    const char *before = "\n   ";
    kpu_text_format(out, ",\n  \"%s\": [", list->name);
    for (int64_t i = 0; i < l->schedule->command_count; i++) {
        const kpu_command *c = &l->schedule->commands[i];
        if (!(list->classes >> kpu_command_class(c->kind) & 1))
            continue;
        kpu_text_put(out, before);
        list->put(l, c);
        before = ",\n   ";
        int status = pass_on(job, l->state, PIECE_BYTES);
        if (status)
            return status;
    }
    kpu_text_put(out, "]");
    return KPU_OK;
}

static void put_tensors(const loader_binding *b, kpu_text *out)
{
    for (size_t t = 0; t < b->program->tensor_count; t++) {
        kpu_text_put(out, t ? ",\n  {\"tensor_name\": " : "\n  {\"tensor_name\": ");
        kpu_text_put_json_string(out, b->program->tensors[t].name);
        put_field(out, "base_address", b->tensors[t].address);
        put_field(out, "size_bytes", b->tensors[t].bytes);
        kpu_text_put(out, "}");
    }
}

static int begin_emit(const loader_job *job, void **state)
{
    emit_state *s = calloc(1, sizeof *s);
    if (!s)
        return loader_no_memory(job->diag);
    int status = kpu_file_sink_open(job->values->emit, &s->file, job->diag);
    if (status) {
        free(s);
        return status;
    }
    *state = s;
    s->sink = kpu_file_sink_of(&s->file);
    kpu_text_put(&s->text, "{\"graph_name\": ");
    kpu_text_put_json_string(&s->text, job->binding->program->graph_name);
    put_word(&s->text, "machine", job->binding->machine.name);
    put_field(&s->text, "cycles", job->binding->cycles);
    kpu_text_put(&s->text, ",\n \"allocations\": [");
    put_tensors(job->binding, &s->text);
    kpu_text_put(&s->text, "],\n \"kernels\": [");
    return status;
}

static int emit_run(const loader_job *job, void *state, const loader_run *run)
{
    emit_state *s = state;
    listing l = {.state = s, .schedule = run->schedule, .start_cycle = run->start_cycle};
    kpu_program_compile(&run->kernel->result.mapping, &l.program);
    kpu_text_put(&s->text, run->is_first ? "\n {\"name\": " : ",\n {\"name\": ");
    kpu_text_put_json_string(&s->text, run->name);
    put_field(&s->text, "start_cycle", run->start_cycle);
    put_field(&s->text, "cycles", run->kernel->result.counts.cycles);
    int status = KPU_OK;
    for (size_t i = 0; !status && i < ENGINE_LISTS; i++)
        status = put_list(job, &l, &engine_lists[i]);
    kpu_text_put(&s->text, "}");
    return status;
}

static int end_emit(const loader_job *job, void *state, int status)
{
    emit_state *s = state;
    if (!s)
        return status;
    kpu_text_put(&s->text, "]}\n");
    if (!status)
        status = pass_on(job, s, 0);
    status = kpu_file_sink_close(&s->file, status, job->diag);
    kpu_text_fini(&s->text);
    free(s);
    return status;
}

const loader_stage loader_stage_emit = {wants_emit, begin_emit, emit_run, end_emit};
