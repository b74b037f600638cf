/* Points drawn uniformly from all of the space, none twice. */
#include "explorer/draws.h"

const kpu_search kpu_search_random = {
    .name = "random",
    .summary = "points drawn uniformly from the space, none twice",
    .budget = KPU_SEARCH_NEEDS,
    .shards = KPU_SHARDS_OF_DRAWS,
    .run = kpu_draws_search_all,
};
