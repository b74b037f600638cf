/* Where a cell is cut, and what its halves are worth. */
#include "explorer/exact.h"

/* The machine first: nothing is known of several. Then what has kept most of its range. */
void kpu_exact_choose_split(const kpu_cell_shape *shape, const kpu_cell *cell, size_t *dial,
                            int32_t *at)
{
    double widest = 0;
    for (size_t d = 0; d < shape->dials; d++) {
        int32_t width = cell->high[d] - cell->low[d];
        bool is_machine = shape->dial[d].digit == KPU_CELL_MACHINE;
        double relative = (double)width / (is_machine ? 1 : shape->dial[d].length - 1);
        if (relative > widest) {
            widest = relative;
            *dial = d;
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
