/* The memory hierarchy: what every link carries, what every level holds, in formulas and numbers.
 */
#include <stdio.h>
#include <string.h>

#include "mapping/nest.h"
#include "report/explain.h"

static const char dim_letter[KPU_DIMS] = {'M', 'N', 'K'};
static const char operand_letter[KPU_OPERANDS] = {'A', 'B', 'C'};
static const char *const elements_formula[KPU_OPERANDS] = {"M*K", "K*N", "M*N"};

/* How often a window comes, as a formula of the dimension that the operand does not have. */
static void visits_formula(const kpu_mapping *m, int x, int hoist, char out[EXPLAIN_FORMULA])
{
    kpu_visits v;
    kpu_mapping_visits(m, x, hoist, &v);
    int other = 0;
    while (kpu_operand_dims[x] >> other & 1)
        other++;
    int64_t times = 0;
    bool differ = false;
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++) {
            if (!v.times[i][j])
                continue;
            differ |= times && times != v.times[i][j];
            times = v.times[i][j] > times ? v.times[i][j] : times;
        }
    if (times == 1)
        snprintf(out, EXPLAIN_FORMULA, "1");
    else
        snprintf(out, EXPLAIN_FORMULA, "ceil(%c/%c%c)%s", dim_letter[other],
                 times == m->tiles[other] ? 'T' : 'B', dim_letter[other],
                 differ ? " (fewer in edge blocks)" : "");
}

static void put_bytes_formula(const explanation *e, int x, const char *visits)
{
    bool once = strcmp(visits, "1") == 0;
    if (x != KPU_C)
        kpu_text_format(e->text, "%s*e%c%s%s", elements_formula[x], operand_letter[x],
                        once ? "" : " * ", once ? "" : visits);
    else if (once)
        kpu_text_put(e->text, "M*N*eC out");
    else
        kpu_text_format(e->text, "M*N*eP*(v-1) in, M*N*(eP*(v-1)+eC) out, v = %s", visits);
}

typedef struct link {
    const char *title;
    const int64_t *in, *out; /* per operand */
    int64_t busy, engines;
    double peak; /* bytes per cycle of all engines, 0: not a number of the machine */
} link;

/* One link of the hierarchy. `hoist` is where its lower end holds the operand; -1: it streams. */
static void put_link(const explanation *e, const link *l, const int64_t hoist[KPU_OPERANDS])
{
    const kpu_mapping *m = e->mapping;
    char bytes[24], visits[EXPLAIN_FORMULA];
    int64_t total = 0;
    for (int x = 0; x < KPU_OPERANDS; x++)
        total += l->in[x] + l->out[x];
    double cycles = (double)e->result->counts.cycles;
    kpu_text_format(e->text, "  |  %s: %s, %.2f B/cycle", l->title,
                    kpu_size_text((double)total, bytes), (double)total / cycles);
    if (l->peak > 0)
        kpu_text_format(e->text, " of %.2f", l->peak);
    kpu_text_format(e->text, ", busy %.1f %%\n",
                    100.0 * (double)l->busy / (cycles * (double)l->engines));
    for (int x = 0; x < KPU_OPERANDS; x++) {
        kpu_text_format(e->text, "  |    %c %11s", operand_letter[x],
                        kpu_size_text((double)(l->in[x] + l->out[x]), bytes));
        if (hoist) {
            visits_formula(m, x, (int)hoist[x], visits);
            kpu_text_put(e->text, " = ");
            put_bytes_formula(e, x, visits);
        }
        kpu_text_put(e->text, "\n");
    }
}

/* "ceil(M/TM)*ceil(BK/TK)": the tiles of a window. */
static void put_window_formula(const explanation *e, int x, int hoist)
{
    const kpu_mapping *m = e->mapping;
    bool any = false;
    for (int i = KPU_BLOCK_LOOPS; i < KPU_NEST; i++) {
        int dim = m->loop_dim[i];
        if (!(kpu_operand_dims[x] >> dim & 1) || i < hoist)
            continue;
        int block_loop = 0;
        while (m->loop_dim[block_loop] != dim)
            block_loop++;
        bool whole = block_loop >= hoist || m->blocks[dim] == 1;
        kpu_text_format(e->text, "%sceil(%s%c/T%c)", any ? "*" : "", whole ? "" : "B",
                        dim_letter[dim], dim_letter[dim]);
        any = true;
    }
    if (!any)
        kpu_text_put(e->text, "1");
}

static double ratio_of(const int64_t *below[2], const int64_t *above[2], int x)
{
    double from_below = (double)(below[0][x] + below[1][x]);
    return from_below / (double)(above[0][x] + above[1][x]);
}

static void put_level(const explanation *e, int level, const int64_t *below[2],
                      const int64_t *above[2])
{
    const kpu_mapping *m = e->mapping;
    static const char *const names[KPU_LEVELS] = {"DRAM", "L3", "L2", "L1"};
    const int64_t used[KPU_LEVELS] = {0, m->l3_bytes, m->l2_bytes, m->l1_bytes};
    int64_t capacity = kpu_machine_capacity_bytes(e->machine, level);
    char a[24], b[24];
    kpu_text_format(e->text, "%s: %s of %s used (%.0f %%)\n", names[level],
                    kpu_size_text((double)used[level], a), kpu_size_text((double)capacity, b),
                    100.0 * (double)used[level] / (double)capacity);
    for (int x = 0; x < KPU_OPERANDS; x++) {
        kpu_text_format(e->text, "       %c reuse %.4g", operand_letter[x],
                        ratio_of(below, above, x));
        if (level != KPU_LEVEL_L1) {
            int h = level == KPU_LEVEL_L3 ? KPU_HOIST_L3 : KPU_HOIST_L2;
            kpu_text_format(e->text, "; hoist %lld, W = ", (long long)m->hoist[x][h]);
            put_window_formula(e, x, (int)m->hoist[x][h]);
            if (m->window_tiles[x][h] > 1)
                kpu_text_format(e->text, " = %lld", (long long)m->window_tiles[x][h]);
            kpu_text_format(e->text, ", S = W+d-1 = %lld", (long long)m->slots[x][h]);
        }
        kpu_text_put(e->text, "\n");
    }
}

static void hoists(const kpu_mapping *m, int level, int64_t out[KPU_OPERANDS])
{
    for (int x = 0; x < KPU_OPERANDS; x++)
        out[x] = m->hoist[x][level];
}

void explain_hierarchy(const explanation *e)
{
    const kpu_counts *n = &e->result->counts;
    const kpu_machine *mc = e->machine;
    const kpu_traffic *t = &n->traffic;
    int64_t at_l3[KPU_OPERANDS], at_l2[KPU_OPERANDS];
    hoists(e->mapping, KPU_HOIST_L3, at_l3);
    hoists(e->mapping, KPU_HOIST_L2, at_l2);
    int64_t streamers = n->busy[KPU_ENGINE_STR_A] + n->busy[KPU_ENGINE_STR_B] +
                        n->busy[KPU_ENGINE_STR_CIN] + n->busy[KPU_ENGINE_STR_COUT];
    const link dma = {"DMA",
                      t->dram_read,
                      t->dram_write,
                      n->busy[KPU_ENGINE_DMA],
                      mc->dram_channels,
                      (double)mc->dram_channels * kpu_rational_value(mc->dma_bytes_per_cycle)};
    const link movers = {"block movers",
                         t->l3_to_l2,
                         t->l2_to_l3,
                         n->busy[KPU_ENGINE_BM],
                         mc->block_mover_engines,
                         (double)mc->block_mover_engines *
                             kpu_rational_value(mc->block_mover_bytes_per_cycle)};
    const link streams = {"streamers", t->l2_to_l1, t->l1_to_l2, streamers, 4, 0};
    const link feed = {"fabric ports", t->l1_to_fabric, t->fabric_to_l1, n->compute_cycles, 1, 0};
    const int64_t *links[4][2] = {{t->dram_read, t->dram_write},
                                  {t->l3_to_l2, t->l2_to_l3},
                                  {t->l2_to_l1, t->l1_to_l2},
                                  {t->l1_to_fabric, t->fabric_to_l1}};
    explain_heading(e->text, "Memory hierarchy");
    kpu_text_put(e->text, "DRAM\n");
    put_link(e, &dma, at_l3);
    put_level(e, KPU_LEVEL_L3, links[1], links[0]);
    put_link(e, &movers, at_l2);
    put_level(e, KPU_LEVEL_L2, links[2], links[1]);
    put_link(e, &streams, NULL);
    put_level(e, KPU_LEVEL_L1, links[3], links[2]);
    put_link(e, &feed, NULL);
    kpu_text_format(e->text, "Fabric: %lld x %lld PEs, %.1f %% utilised\n",
                    (long long)mc->fabric_rows, (long long)mc->fabric_cols,
                    100.0 *
                        (double)(e->mapping->problem.dim[KPU_M] * e->mapping->problem.dim[KPU_N] *
                                 e->mapping->problem.dim[KPU_K]) /
                        ((double)(mc->fabric_rows * mc->fabric_cols) * (double)n->cycles));
}
