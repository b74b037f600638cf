/* The loop nest as annotated code: which loop runs how often, and what is held where. */
#include <ctype.h>
#include <stdio.h>

#include "mapping/dataflow.h"
#include "report/explain.h"

static const char dim_letter[KPU_DIMS] = {'M', 'N', 'K'};
static const char operand_letter[KPU_OPERANDS] = {'A', 'B', 'C'};
static const char *const level_name[KPU_HOIST_LEVELS] = {"L3", "L2"};

static void put_indent(const explanation *e, int depth)
{
    kpu_text_repeat(e->text, ' ', 2 * depth);
}

/* Windows whose hoist is `position`: they hold what the loops from here on touch. */
static void put_windows(const explanation *e, int position, int depth)
{
    const kpu_mapping *m = e->mapping;
    char bytes[24];
    for (int level = 0; level < KPU_HOIST_LEVELS; level++)
        for (int x = 0; x < KPU_OPERANDS; x++) {
            if (m->hoist[x][level] != position)
                continue;
            put_indent(e, depth);
            kpu_text_format(
                e->text, "# %s holds %c: %lld tile%s, ring of %lld (%s)\n", level_name[level],
                operand_letter[x], (long long)m->window_tiles[x][level],
                m->window_tiles[x][level] == 1 ? "" : "s", (long long)m->slots[x][level],
                kpu_size_text((double)(m->slots[x][level] * m->slot_bytes[x]), bytes));
        }
}

static void put_loop(const explanation *e, int position, int depth)
{
    const kpu_mapping *m = e->mapping;
    int dim = m->loop_dim[position];
    bool is_block = position < KPU_BLOCK_LOOPS;
    int64_t trips = is_block ? m->blocks[dim] : m->block_tiles[dim];
    char variable[3] = {is_block ? 'b' : 't', (char)tolower(dim_letter[dim]), '\0'};
    put_indent(e, depth);
    kpu_text_format(e->text, "for %s in 0..%lld:  # %s of %lld along %c", variable,
                    (long long)trips - 1, is_block ? "blocks" : "tiles",
                    (long long)(is_block ? m->block[dim] : m->tile[dim]), dim_letter[dim]);
    if (!is_block && m->last_block_tiles[dim] != m->block_tiles[dim])
        kpu_text_format(e->text, "; %lld in the last block", (long long)m->last_block_tiles[dim]);
    kpu_text_put(e->text, "\n");
}

static void put_body(const explanation *e, int depth)
{
    const kpu_mapping *m = e->mapping;
    const kpu_dataflow *flow = kpu_dataflow_at(m->dataflow);
    int stationary = kpu_dataflow_stationary(flow);
    put_indent(e, depth);
    kpu_text_format(e->text, "# the array keeps %c (%lld pass%s%s)\n", operand_letter[stationary],
                    (long long)m->full_passes, m->full_passes == 1 ? "" : "es",
                    m->double_buffered ? ", double-buffered" : "");
    put_indent(e, depth);
    kpu_text_put(e->text, "C[tm,tn] += A[tm,tk] * B[tk,tn]  # streamed from L1:");
    for (int x = 0; x < KPU_OPERANDS; x++)
        if (x != stationary)
            kpu_text_format(e->text, " %c", operand_letter[x]);
    kpu_text_format(e->text, ", %lld deep\n", (long long)m->l1_buffers);
}

void explain_nest(const explanation *e)
{
    const kpu_mapping *m = e->mapping;
    explain_heading(e->text, "Loop nest");
    int depth = 0, skipped = 0;
    for (int i = 0; i < KPU_NEST; i++) {
        int dim = m->loop_dim[i];
        int64_t trips = i < KPU_BLOCK_LOOPS ? m->blocks[dim] : m->block_tiles[dim];
        put_windows(e, i, depth);
        if (trips > 1)
            put_loop(e, i, depth++);
        else
            skipped++;
    }
    put_windows(e, KPU_NEST, depth);
    put_body(e, depth);
    if (skipped)
        kpu_text_format(e->text, "(%d loop%s with a single trip not shown)\n", skipped,
                        skipped == 1 ? "" : "s");
}
