/* Boxes of candidates: how they are made and grow. */
#include "kpu/mapping.h"

static const uint8_t orders[KPU_ORDERS][KPU_DIMS] = {
    {KPU_M, KPU_N, KPU_K}, {KPU_M, KPU_K, KPU_N}, {KPU_N, KPU_M, KPU_K},
    {KPU_N, KPU_K, KPU_M}, {KPU_K, KPU_M, KPU_N}, {KPU_K, KPU_N, KPU_M},
};

void kpu_box_order(int order, uint8_t dims[KPU_DIMS])
{
    for (int i = 0; i < KPU_DIMS; i++)
        dims[i] = orders[order][i];
}

static uint32_t order_bit(const int64_t order[KPU_DIMS])
{
    int bit = 0;
    while (bit < KPU_ORDERS - 1 && (orders[bit][0] != order[0] || orders[bit][1] != order[1]))
        bit++;
    return 1u << bit;
}

static kpu_range point(int64_t value)
{
    return (kpu_range){value, value};
}

void kpu_box_of_candidate(const kpu_candidate *c, kpu_box *out)
{
    *out = (kpu_box){
        .dataflows = 1u << (c->dataflow * 2 + c->swap),
        .orders = order_bit(c->order),
        .l1_buffers = point(c->l1_buffers),
        .controls = 1u << c->control,
        .eddo_window = point(c->eddo_window),
        .any_auto = c->auto_residency != 0,
        .one_residency = true,
    };
    for (int d = 0; d < KPU_DIMS; d++) {
        out->tile[d] = point(c->tile[d]);
        out->block[d] = point(c->block[d] == 0 ? INT64_MAX : c->block[d]);
    }
    for (int x = 0; x < KPU_OPERANDS; x++) {
        out->l3_buffers[x] = point(c->l3_buffers[x]);
        out->l2_buffers[x] = point(c->l2_buffers[x]);
        for (int level = 0; level < KPU_HOIST_LEVELS; level++)
            out->hoist[x][level] = c->auto_residency ? 0 : c->hoist[x][level];
    }
}

static void widen(kpu_range *range, kpu_range other)
{
    range->low = other.low < range->low ? other.low : range->low;
    range->high = other.high > range->high ? other.high : range->high;
}

static bool same_hoists(const kpu_box *a, const kpu_box *b)
{
    for (int x = 0; x < KPU_OPERANDS; x++)
        for (int level = 0; level < KPU_HOIST_LEVELS; level++)
            if (a->hoist[x][level] != b->hoist[x][level])
                return false;
    return true;
}

void kpu_box_add(kpu_box *box, const kpu_candidate *candidate)
{
    kpu_box one;
    kpu_box_of_candidate(candidate, &one);
    for (int d = 0; d < KPU_DIMS; d++) {
        widen(&box->tile[d], one.tile[d]);
        widen(&box->block[d], one.block[d]);
    }
    for (int x = 0; x < KPU_OPERANDS; x++) {
        widen(&box->l3_buffers[x], one.l3_buffers[x]);
        widen(&box->l2_buffers[x], one.l2_buffers[x]);
    }
    widen(&box->l1_buffers, one.l1_buffers);
    widen(&box->eddo_window, one.eddo_window);
    box->dataflows |= one.dataflows;
    box->orders |= one.orders;
    box->controls |= one.controls;
    box->one_residency &= box->any_auto == one.any_auto && same_hoists(box, &one);
    box->any_auto |= one.any_auto;
}
