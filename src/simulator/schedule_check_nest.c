/* The commands beside the nest that they are made from. */
#include "simulator/schedule_check.h"

#include <stdlib.h>
#include <string.h>

typedef struct nest {
    const kpu_mapping *mapping;
    int64_t index[KPU_NEST];
    bool over;
} nest;

/* The block loop over a tile loop's dimension. */
static int64_t block_index(const nest *n, int dim)
{
    int position = 0;
    while (n->mapping->loop_dim[position] != dim)
        position++;
    return n->index[position];
}

static int64_t trips(const nest *n, int position)
{
    const kpu_mapping *m = n->mapping;
    int dim = m->loop_dim[position];
    if (position < KPU_BLOCK_LOOPS)
        return m->blocks[dim];
    return block_index(n, dim) + 1 < m->blocks[dim] ? m->block_tiles[dim]
                                                    : m->last_block_tiles[dim];
}

static void tile_at(const nest *n, int64_t tile[KPU_DIMS])
{
    for (int i = KPU_BLOCK_LOOPS; i < KPU_NEST; i++) {
        int dim = n->mapping->loop_dim[i];
        tile[dim] = block_index(n, dim) * n->mapping->block_tiles[dim] + n->index[i];
    }
}

static void advance(nest *n)
{
    for (int i = KPU_NEST - 1; i >= 0; i--) {
        if (++n->index[i] < trips(n, i))
            return;
        n->index[i] = 0;
    }
    n->over = true;
}

/* A FAB is the next step of the nest, and starts from zero where there is no sum yet. */
static void check_step(check *c, int64_t index, nest *n, const int64_t *sums)
{
    const kpu_command *command = &c->schedule->commands[index];
    int64_t tile[KPU_DIMS];
    tile_at(n, tile);
    if (n->over || memcmp(tile, command->tile, sizeof tile) != 0)
        check_complain(c, index, "computes [%lld,%lld,%lld], which is not the next step",
                       (long long)command->tile[KPU_M], (long long)command->tile[KPU_N],
                       (long long)command->tile[KPU_K]);
    else if (command->fresh != (*sums == 0))
        check_complain(c, index,
                       command->fresh ? "starts from zero, but %lld sums are done"
                                      : "does not start from zero, and %lld sums are "
                                        "done",
                       (long long)*sums);
    advance(n);
}

static void check_final(check *c, int64_t index, int64_t sums)
{
    const kpu_command *command = &c->schedule->commands[index];
    bool stores = command->kind > KPU_CMD_FAB;
    if (stores && command->final != (sums == c->schedule->mapping.tiles[KPU_K]))
        check_complain(c, index, "C goes out as %s after %lld of %lld sums",
                       command->final ? "final" : "partial", (long long)sums,
                       (long long)c->schedule->mapping.tiles[KPU_K]);
}

void check_nest(check *c)
{
    const kpu_schedule *s = c->schedule;
    nest n = {.mapping = &s->mapping};
    size_t tiles = (size_t)(s->mapping.tiles[KPU_M] * s->mapping.tiles[KPU_N]);
    int64_t *done = calloc(tiles, sizeof *done); /* of each tile of C, sums so far */
    if (!done) {
        c->errors++;
        kpu_diag_add(c->diag, KPU_E_MEMORY, "no memory to check a schedule");
        return;
    }
    for (int64_t i = 0; i < s->command_count && !check_is_full(c); i++) {
        if (s->commands[i].operand != KPU_C)
            continue;
        int64_t *sums = &done[check_tile_number(c, &s->commands[i], KPU_C)];
        c->sums[i] = *sums;
        if (s->commands[i].kind == KPU_CMD_FAB) {
            check_step(c, i, &n, sums);
            ++*sums;
        } else {
            check_final(c, i, *sums);
        }
    }
    free(done);
}
