/* A lower bound on the cycles of one mapping (docs/bounds.md). */
#include "mapping/nest.h"

void kpu_mapping_lower_bounds(const kpu_machine *machine, const kpu_mapping *m,
                              kpu_lower_bounds *out)
{
    kpu_bounds bounds;
    kpu_mapping_bounds(machine, m, &bounds);
    kpu_mapping_traffic(machine, m, &out->traffic);
    out->empty = false;
    out->cycles = bounds.mac_cycles;
    out->l3_bytes = m->l3_bytes;
    out->l2_bytes = m->l2_bytes;
    out->l1_bytes = m->l1_bytes;
    out->registers_per_pe = m->registers_per_pe;
}
