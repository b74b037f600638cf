/* A tiling found by the genetic algorithm of the explorer among all tilings. */
#include "explorer/tiling.h"

static int choose(const kpu_tiling_question *question, kpu_tiling *out, kpu_diag *diag)
{
    return kpu_tiling_search(question, "nsga2", out, diag);
}

const kpu_tile_strategy kpu_tile_strategy_search = {
    .name = "search",
    .summary = "the best that a genetic algorithm (nsga2) finds among all tilings, timed",
    .choose = choose,
    .takes_budget = true,
};
