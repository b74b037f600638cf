/* Parts of a run. */
#include <inttypes.h>

#include "explorer/search.h"

enum {
    BLOCKS_OF_SHARD = 64,
    BLOCK_GRAIN = 16, /* blocks are a multiple of it */
    BLOCK_MAX = 65536,
    SHARDS_MAX = 1000000
};

/* How much is cut. */
static int64_t total_of(const kpu_space *space)
{
    int64_t budget = space->search.budget;
    if (space->search.search && space->search.search->shards == KPU_SHARDS_OF_DRAWS &&
        budget < space->raw_size)
        return budget;
    return space->run_size;
}

int64_t kpu_shard_block(const kpu_space *space, int64_t count)
{
    int64_t shards = count > 1 ? count : 1;
    int64_t block = kpu_ceil_div(kpu_ceil_div(total_of(space), BLOCKS_OF_SHARD), shards);
    if (space->search.search && space->search.search->shards == KPU_SHARDS_OF_GEMMS)
        return 1;
    if (block >= BLOCK_MAX)
        return BLOCK_MAX;
    return block > 0 ? kpu_ceil_div(block, BLOCK_GRAIN) * BLOCK_GRAIN : BLOCK_GRAIN;
}

/* Whole rounds, a block of each shard, then its part of the last one. */
int64_t kpu_shard_share(kpu_shard shard, int64_t block, int64_t total)
{
    if (shard.count <= 1)
        return total;
    int64_t round = shard.count * block;
    int64_t rest = total % round - shard.index * block;
    rest = rest < 0 ? 0 : rest < block ? rest : block;
    return total / round * block + rest;
}

bool kpu_shard_has(kpu_shard shard, int64_t block, int64_t n)
{
    return shard.count <= 1 || n / block % shard.count == shard.index;
}

int kpu_shard_check(const kpu_search *search, kpu_shard shard, kpu_diag *diag)
{
    if (shard.count < 0 || shard.count > SHARDS_MAX)
        return kpu_diag_add(diag, KPU_E_USAGE, "a run has 1 to %d parts", SHARDS_MAX);
    if (shard.index < 0 || (shard.index > 0 && shard.index >= shard.count))
        return kpu_diag_add(diag, KPU_E_USAGE, "no part %" PRId64 " of %" PRId64 ", from 0",
                            shard.index, shard.count);
    if (shard.count > 1 && search->shards == KPU_SHARDS_NONE)
        return kpu_diag_add(diag, KPU_E_USAGE,
                            "the search %s cannot be cut into parts (--shard): what it evaluates "
                            "depends on all that it found before; mpirun -n R kpu-dse run spreads "
                            "it over processes",
                            search->name);
    return KPU_OK;
}
