/* One candidate as a comment block of C: the loop nest and what every level transfers, as functions
 * of matrix and tile sizes, with this candidate's numbers beside them. */
#include <inttypes.h>
#include <string.h>

#include "kpu/tiling.h"
#include "mapping/nest.h"
#include "report/explain.h"

static const char dim_letter[KPU_DIMS] = {'M', 'N', 'K'};
static const char index_letter[KPU_DIMS] = {'i', 'j', 'k'};
static const char operand_letter[KPU_OPERANDS] = {'A', 'B', 'C'};

/* How often a tile comes: once, once a block or once a tile of the dimension it lacks. */
enum { COMES_ONCE, COMES_BLOCKS, COMES_TILES };

typedef struct diagram {
    kpu_text *text;
    const kpu_mapping *mapping;
    const kpu_counts *counts;
    int stationary;
} diagram;

static int other_dim(int operand)
{
    int dim = 0;
    while (kpu_operand_dims[operand] >> dim & 1)
        dim++;
    return dim;
}

/* Of a window at hoist `hoist`; edge blocks may see fewer. */
static int comes(const kpu_mapping *m, int operand, int hoist)
{
    kpu_visits v;
    kpu_mapping_visits(m, operand, hoist, &v);
    int64_t times = 0;
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++)
            times = v.times[i][j] > times ? v.times[i][j] : times;
    int dim = other_dim(operand);
    return times == 1 ? COMES_ONCE : times == m->tiles[dim] ? COMES_TILES : COMES_BLOCKS;
}

/* Into the array: with every step, the stationary operand with every run. */
static int comes_to_array(const diagram *d, int operand)
{
    return operand == d->stationary ? comes(d->mapping, operand, KPU_NEST) : COMES_TILES;
}

/* ---- Formulas ----------------------------------------------------------------------------- */

/* "M*N*K / (TM*TN*TK)": the operand's tiles, as often as they come. */
static void put_transfers(kpu_text *text, int operand, int how)
{
    unsigned dims = kpu_operand_dims[operand];
    int other = other_dim(operand);
    if (how != COMES_ONCE)
        dims |= 1u << other;
    const char *times = "";
    for (int d = 0; d < KPU_DIMS; d++)
        if (dims >> d & 1) {
            kpu_text_format(text, "%s%c", times, dim_letter[d]);
            times = "*";
        }
    times = " / (";
    for (int d = 0; d < KPU_DIMS; d++)
        if (dims >> d & 1) {
            bool block = d == other && how == COMES_BLOCKS;
            kpu_text_format(text, "%s%c%c", times, block ? 'B' : 'T', dim_letter[d]);
            times = "*";
        }
    kpu_text_put(text, ")");
}

/* How often what comes in `above` fashion is handed on in `below` fashion. */
static void put_reuse(kpu_text *text, int operand, int above, int below)
{
    char letter = dim_letter[other_dim(operand)];
    if (above >= below)
        kpu_text_put(text, "1");
    else
        kpu_text_format(text, "%s%c/%c%c", above == COMES_BLOCKS ? "B" : "", letter,
                        below == COMES_TILES ? 'T' : 'B', letter);
}

/* ---- Lines -------------------------------------------------------------------------------- */

/* A star and a slash would end the comment. */
static void put_in_comment(kpu_text *text, const char *string)
{
    for (; *string; string++) {
        kpu_text_put_bytes(text, string, 1);
        if (string[0] == '*' && string[1] == '/')
            kpu_text_put(text, " ");
    }
}

/* The last paragraph, within EXPLAIN_WIDTH. */
static void put_wrapped(kpu_text *text, const char *first, const char *rest)
{
    kpu_text_format(text, " *\n * %s", first);
    for (size_t line = strlen(" * ") + strlen(first); *rest;) {
        char word[KPU_TILING_UNFIT_TEXT] = "";
        size_t length = strcspn(rest, " ");
        memcpy(word, rest, length);
        bool fits = line + 1 + length <= EXPLAIN_WIDTH;
        kpu_text_put(text, fits ? " " : "\n * ");
        line = (fits ? line + 1 : strlen(" * ")) + length;
        put_in_comment(text, word);
        rest += length + strspn(rest + length, " ");
    }
    kpu_text_put(text, "\n */\n");
}

static void put_sizes(kpu_text *text, const char *prefix, const int64_t size[KPU_DIMS])
{
    for (int d = 0; d < KPU_DIMS; d++)
        kpu_text_format(text, "%s%s%c = %" PRId64, d > 0 ? ", " : "", prefix, dim_letter[d],
                        size[d]);
}

static void put_head(const diagram *d, const kpu_machine *machine)
{
    const kpu_mapping *m = d->mapping;
    kpu_text_put(d->text, "/*\n * C[M,N] = A[M,K] * B[K,N] on ");
    put_in_comment(d->text, machine->name[0] ? machine->name : "this machine");
    kpu_text_format(d->text, ", %s, %s\n * ", kpu_dataflow_names[m->dataflow],
                    kpu_control_names[m->control]);
    put_sizes(d->text, "", m->problem.dim);
    kpu_text_put(d->text, "\n * ");
    put_sizes(d->text, "T", m->tile);
    kpu_text_put(d->text, "\n");
    if (m->blocks[KPU_M] * m->blocks[KPU_N] * m->blocks[KPU_K] == 1)
        return;
    kpu_text_put(d->text, " * ");
    put_sizes(d->text, "B", m->block);
    kpu_text_put(d->text, "\n");
}

static void put_indent(const diagram *d, int depth)
{
    kpu_text_put(d->text, " * ");
    kpu_text_repeat(d->text, ' ', 2 * depth);
}

static void put_windows(const diagram *d, int position, int depth)
{
    static const char *const level_names[KPU_HOIST_LEVELS] = {"L3", "L2"};
    const kpu_mapping *m = d->mapping;
    for (int level = 0; level < KPU_HOIST_LEVELS; level++)
        for (int x = 0; x < KPU_OPERANDS; x++) {
            if (m->hoist[x][level] != position)
                continue;
            int64_t tiles = m->window_tiles[x][level];
            put_indent(d, depth);
            kpu_text_format(d->text, "%s holds %" PRId64 " tile%s of %c\n", level_names[level],
                            tiles, tiles == 1 ? "" : "s", operand_letter[x]);
        }
}

static int64_t trips_of(const kpu_mapping *m, int position)
{
    int dim = m->loop_dim[position];
    return position < KPU_BLOCK_LOOPS ? m->blocks[dim] : m->block_tiles[dim];
}

/* "for (i = 0; i < M; i += TM)", within a block "for (i = bi; i < min(bi+BM, M); i += TM)" */
static void put_loop(const diagram *d, int position, int depth)
{
    const kpu_mapping *m = d->mapping;
    int dim = m->loop_dim[position];
    char i = index_letter[dim], size = dim_letter[dim];
    put_indent(d, depth);
    if (position < KPU_BLOCK_LOOPS)
        kpu_text_format(d->text, "for (b%c = 0; b%c < %c; b%c += B%c)", i, i, size, i, size);
    else if (m->blocks[dim] > 1)
        kpu_text_format(d->text, "for (%c = b%c; %c < min(b%c + B%c, %c); %c += T%c)", i, i, i, i,
                        size, size, i, size);
    else
        kpu_text_format(d->text, "for (%c = 0; %c < %c; %c += T%c)", i, i, size, i, size);
    kpu_text_format(d->text, "  // %" PRId64 "\n", trips_of(m, position));
}

static void put_nest(const diagram *d)
{
    int depth = 0;
    kpu_text_put(d->text, " *\n");
    for (int i = 0; i < KPU_NEST; i++) {
        put_windows(d, i, depth);
        if (trips_of(d->mapping, i) > 1)
            put_loop(d, i, depth++);
    }
    put_windows(d, KPU_NEST, depth);
    put_indent(d, depth);
    kpu_text_format(d->text, "C[i,j] += A[i,k] * B[k,j]  // the array keeps %c\n",
                    operand_letter[d->stationary]);
}

/* ---- The table ---------------------------------------------------------------------------- */

typedef struct row {
    const char *level;
    int operand;
    int above, below; /* COMES_*: at this level, at the next one in */
    int64_t in, out;  /* tiles; out: of C */
    int64_t below_count;
} row;

static void put_row(const diagram *d, const row *r)
{
    kpu_text transfers = {0}, reuse = {0};
    int64_t count = r->operand == KPU_C ? r->out : r->in;
    put_transfers(&transfers, r->operand, r->above);
    put_reuse(&reuse, r->operand, r->above, r->below);
    if (!transfers.failed && !reuse.failed)
        kpu_text_format(d->text, " * %-7s(%c)%s  %-22s = %-10" PRId64 "  %-5s = %.3g\n", r->level,
                        operand_letter[r->operand], r->operand == KPU_C ? " out" : "    ",
                        transfers.data, count, reuse.data, (double)r->below_count / (double)count);
    if (r->operand == KPU_C && r->in > 0)
        kpu_text_format(d->text, " * %-7s(C) in   the same - M*N / (TM*TN) = %" PRId64 "\n",
                        r->level, r->in);
    d->text->failed |= transfers.failed || reuse.failed;
    kpu_text_fini(&transfers);
    kpu_text_fini(&reuse);
}

static void put_levels(const diagram *d)
{
    static const uint8_t streams[KPU_OPERANDS] = {KPU_CMD_STR_A, KPU_CMD_STR_B, KPU_CMD_STR_COUT};
    const kpu_mapping *m = d->mapping;
    const int64_t *n = d->counts->commands;
    for (int x = 0; x < KPU_OPERANDS; x++) {
        int l3 = comes(m, x, (int)m->hoist[x][KPU_HOIST_L3]);
        int l2 = comes(m, x, (int)m->hoist[x][KPU_HOIST_L2]);
        int64_t moved = x == KPU_C ? n[KPU_CMD_BM_STORE_C] : n[KPU_CMD_BM_LOAD_A + x];
        put_row(
            d, &(row){"DRAM", x, l3, l2, n[KPU_CMD_DMA_LOAD_A + x], n[KPU_CMD_DMA_STORE_C], moved});
        put_row(d, &(row){"L2", x, l2, comes_to_array(d, x), n[KPU_CMD_BM_LOAD_A + x],
                          n[KPU_CMD_BM_STORE_C], n[streams[x]]});
    }
}

/* What streams is there for one step; what the array keeps is not transferred meanwhile. */
static void put_array(const diagram *d)
{
    const kpu_mapping *m = d->mapping;
    char streamed[4] = "";
    for (int x = 0, at = 0; x < KPU_OPERANDS; x++)
        if (x != d->stationary) {
            if (at > 0)
                streamed[at++] = '+';
            streamed[at++] = operand_letter[x];
        }
    kpu_text transfers = {0}, reuse = {0};
    put_transfers(&transfers, KPU_A, COMES_TILES);
    put_reuse(&reuse, d->stationary, comes(m, d->stationary, KPU_NEST), COMES_TILES);
    int64_t runs = d->stationary == KPU_C   ? d->counts->commands[KPU_CMD_STR_COUT]
                   : d->stationary == KPU_A ? d->counts->commands[KPU_CMD_STR_A]
                                            : d->counts->commands[KPU_CMD_STR_B];
    if (!transfers.failed && !reuse.failed)
        kpu_text_format(d->text,
                        " * L1     (%s)    %-22s = %-10" PRId64 "  1 (transient)\n"
                        " * fabric (%c)      %-22s   %-10s  %-5s = %.3g\n",
                        streamed, transfers.data, d->counts->steps, operand_letter[d->stationary],
                        "0 while resident", "", reuse.data,
                        (double)d->counts->steps / (double)runs);
    d->text->failed |= transfers.failed || reuse.failed;
    kpu_text_fini(&transfers);
    kpu_text_fini(&reuse);
}

void kpu_result_explain_c(kpu_text *text, const kpu_machine *machine, const kpu_result *result)
{
    const kpu_mapping *m = &result->mapping;
    char unfit[KPU_TILING_UNFIT_TEXT];
    const diagram d = {text, m, &result->counts,
                       kpu_dataflow_stationary(kpu_dataflow_at(m->dataflow))};
    put_head(&d, machine);
    if (m->broken) {
        put_wrapped(text, "It does not fit:", kpu_tiling_unfit_text(machine, m, unfit));
        return;
    }
    put_nest(&d);
    kpu_text_put(text, " *\n * Tile transfers into each level, and how often each is used there.\n"
                       " * A quotient counts tiles: each is rounded up.\n *\n"
                       " * level           transfers                             reuse\n");
    put_levels(&d);
    put_array(&d);
    kpu_text_put(text, " */\n");
}
