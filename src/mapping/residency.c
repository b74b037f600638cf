/* Where each operand is held: the hoist positions of L3, then of L2. */
#include "mapping/nest.h"

/* One hoist that is worth considering: no larger p costs as little in bytes and memory. */
typedef struct option {
    int64_t hoist, link_bytes, ring_bytes;
} option;

typedef struct option_list {
    option at[KPU_NEST + 1];
    int count;
} option_list;

static int64_t ring_bytes(const kpu_mapping *m, int operand, int level, int64_t window_tiles)
{
    int64_t slots = kpu_add_saturate(window_tiles, m->buffers[operand][level] - 1);
    return kpu_mul_saturate(slots, m->slot_bytes[operand]);
}

/* Whether hoisting past the loop at `position` changes anything: it must index the operand, and
 * iterate in some block. */
static bool matters(const kpu_mapping *m, int operand, int position)
{
    int dim = m->loop_dim[position];
    int64_t trips = position < KPU_BLOCK_LOOPS ? m->blocks[dim] : m->block_tiles[dim];
    return (kpu_operand_dims[operand] >> dim & 1) && trips > 1;
}

static void list_options(const kpu_mapping *m, int operand, int level, int lowest,
                         option_list *list)
{
    list->count = 0;
    for (int p = KPU_NEST; p >= lowest; p--) {
        if (p < KPU_NEST && !matters(m, operand, p))
            continue;
        int64_t window = kpu_mapping_window_tiles(m, operand, p);
        kpu_link_bytes bytes = kpu_mapping_link_bytes(m, operand, p);
        option o = {p, bytes.in + bytes.out, ring_bytes(m, operand, level, window)};
        bool dominated = false;
        for (int i = 0; i < list->count && !dominated; i++)
            dominated =
                list->at[i].link_bytes <= o.link_bytes && list->at[i].ring_bytes <= o.ring_bytes;
        if (!dominated)
            list->at[list->count++] = o;
    }
}

/* Fewest bytes over the link, then smallest footprint, then larger p for A, B, C: the lists go
 * from large p to small, so that the first of equals is the one to keep. */
static void choose_level(kpu_mapping *m, int level, int64_t capacity_bytes)
{
    option_list lists[KPU_OPERANDS];
    for (int x = 0; x < KPU_OPERANDS; x++)
        list_options(m, x, level, level == KPU_HOIST_L2 ? (int)m->hoist[x][KPU_HOIST_L3] : 0,
                     &lists[x]);
    int64_t best_bytes = INT64_MAX, best_ring = INT64_MAX;
    for (int x = 0; x < KPU_OPERANDS; x++)
        m->hoist[x][level] = KPU_NEST; /* reported when nothing fits */
    for (int a = 0; a < lists[KPU_A].count; a++)
        for (int b = 0; b < lists[KPU_B].count; b++)
            for (int c = 0; c < lists[KPU_C].count; c++) {
                const option *o[KPU_OPERANDS] = {&lists[KPU_A].at[a], &lists[KPU_B].at[b],
                                                 &lists[KPU_C].at[c]};
                int64_t ring = kpu_add_saturate(
                    kpu_add_saturate(o[0]->ring_bytes, o[1]->ring_bytes), o[2]->ring_bytes);
                int64_t bytes = o[0]->link_bytes + o[1]->link_bytes + o[2]->link_bytes;
                if (ring > capacity_bytes || bytes > best_bytes ||
                    (bytes == best_bytes && ring >= best_ring))
                    continue;
                best_bytes = bytes;
                best_ring = ring;
                for (int x = 0; x < KPU_OPERANDS; x++)
                    m->hoist[x][level] = o[x]->hoist;
            }
}

static int64_t apply_level(kpu_mapping *m, int level)
{
    int64_t bytes = 0;
    for (int x = 0; x < KPU_OPERANDS; x++) {
        int64_t window = kpu_mapping_window_tiles(m, x, (int)m->hoist[x][level]);
        m->window_tiles[x][level] = window;
        m->slots[x][level] = kpu_add_saturate(window, m->buffers[x][level] - 1);
        bytes = kpu_add_saturate(bytes, ring_bytes(m, x, level, window));
    }
    return bytes;
}

void kpu_mapping_apply_hoists(const kpu_machine *machine, kpu_mapping *m)
{
    m->l3_bytes = apply_level(m, KPU_HOIST_L3);
    m->l2_bytes = apply_level(m, KPU_HOIST_L2);
    if (m->l3_bytes > kpu_machine_capacity_bytes(machine, KPU_LEVEL_L3))
        m->broken |= 1u << KPU_LIMIT_L3;
    if (m->l2_bytes > kpu_machine_capacity_bytes(machine, KPU_LEVEL_L2))
        m->broken |= 1u << KPU_LIMIT_L2;
}

void kpu_mapping_choose_residency(const kpu_machine *machine, kpu_mapping *m)
{
    choose_level(m, KPU_HOIST_L3, kpu_machine_capacity_bytes(machine, KPU_LEVEL_L3));
    choose_level(m, KPU_HOIST_L2, kpu_machine_capacity_bytes(machine, KPU_LEVEL_L2));
}
