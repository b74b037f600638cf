/* Where a cell is cut, and what its halves are worth. */
#include <limits.h>

#include "explorer/exact.h"

/* In the middle of the dial whose turn it is; of several, of that which has kept most of its
 * range. */
void kpu_exact_choose_split(const kpu_cell_shape *shape, const kpu_cell *cell, size_t *dial,
                            int32_t *at)
{
    int turn = INT_MAX;
    double widest = 0;
    for (size_t d = 0; d < shape->dials; d++) {
        const kpu_dial *candidate = &shape->dial[d];
        double width = (double)(cell->high[d] - cell->low[d]) / (candidate->length - 1);
        if (width > 0 && (candidate->turn < turn || (candidate->turn == turn && width > widest))) {
            *dial = d;
            turn = candidate->turn;
            widest = width;
        }
    }
    *at = cell->low[*dial] + (cell->high[*dial] - cell->low[*dial] + 1) / 2;
}

void kpu_exact_split_cell(const kpu_cell_shape *shape, const kpu_archive *front,
                          const kpu_cell *cell, kpu_exact_split *out)
{
    size_t objectives = kpu_space_objective_count(shape->space);
    kpu_exact_choose_split(shape, cell, &out->dial, &out->at);
    for (int i = 0; i < 2; i++) {
        kpu_exact_part *part = &out->part[i];
        part->cell = *cell;
        if (i == 0)
            part->cell.high[out->dial] = out->at - 1;
        else
            part->cell.low[out->dial] = out->at;
        part->split = -1;
        part->outcome = kpu_exact_bound(shape, &part->cell, part->bound);
        if (part->outcome != KPU_EXACT_OPEN)
            continue;
        if (kpu_archive_dominator(front, part->bound) >= 0) {
            part->outcome = KPU_EXACT_BOUNDED;
            continue;
        }
        part->key = kpu_exact_key(part->bound, objectives);
        part->is_point = kpu_cell_is_point(shape, &part->cell);
    }
}

size_t kpu_exact_dive(const kpu_cell_shape *shape, const kpu_archive *front, const kpu_cell *cell,
                      size_t limit, kpu_exact_split *splits)
{
    size_t count = 0;
    while (count < limit) {
        kpu_exact_split *split = &splits[count++];
        kpu_exact_split_cell(shape, front, cell, split);
        kpu_exact_part *best = NULL;
        for (int i = 0; i < 2; i++) {
            kpu_exact_part *part = &split->part[i];
            if (part->outcome == KPU_EXACT_OPEN && (!best || part->key < best->key))
                best = part;
        }
        if (!best || best->is_point)
            break;
        if (count < limit) {
            best->split = (int32_t)count;
            cell = &best->cell;
        }
    }
    return count;
}
