/* The best of all tilings, found and proven by the explorer's exact search. */
#include "explorer/tiling.h"

static int choose(const kpu_tiling_question *question, kpu_tiling *out, kpu_diag *diag)
{
    return kpu_tiling_search(question, "exact", out, diag);
}

const kpu_tile_strategy kpu_tile_strategy_exact = {
    .name = "exact",
    .summary = "the best of all tilings, timed, with bounds that rule out the others",
    .choose = choose,
};
