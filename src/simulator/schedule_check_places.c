/* Follows every tile from place to place, command by command in the order of their starts. */
#include "simulator/schedule_check.h"

#include <stdlib.h>

/* ---- Order of time ------------------------------------------------------------------------ */

/* The array looks at what streams bring that start at the same cycle. */
typedef struct sort_key {
    int64_t start, command;
    bool computes;
} sort_key;

static int compare_keys(const void *a_, const void *b_)
{
    const sort_key *a = a_, *b = b_;
    if (a->start != b->start)
        return a->start < b->start ? -1 : 1;
    if (a->computes != b->computes)
        return a->computes ? 1 : -1;
    return a->command < b->command ? -1 : a->command > b->command;
}

static sort_key *sorted(const kpu_schedule *s)
{
    sort_key *keys = calloc((size_t)s->command_count + 1, sizeof *keys);
    if (!keys)
        return NULL;
    for (int64_t i = 0; i < s->command_count; i++)
        keys[i] = (sort_key){s->commands[i].start, i, s->commands[i].kind == KPU_CMD_FAB};
    qsort(keys, (size_t)s->command_count, sizeof *keys, compare_keys);
    return keys;
}

/* ---- Reading and writing ------------------------------------------------------------------ */

static check_place *place_of(const check *c, int64_t index, int place, int64_t slot)
{
    const kpu_command *command = &c->schedule->commands[index];
    int x = command->operand;
    if (place == PLACE_DRAM)
        return x == KPU_C ? &c->places[place][x][check_tile_number(c, command, x)] : NULL;
    return &c->places[place][x][slot];
}

/* What the command needs is what lies there. */
static bool finds(check *c, int64_t index, const check_place *p, int operand, const char *where)
{
    int64_t tile = check_tile_number(c, &c->schedule->commands[index], operand);
    int64_t sums = operand == KPU_C ? c->sums[index] : 0;
    if (p->tile < 0)
        check_complain(c, index, "there is nothing in %s yet", where);
    else if (p->tile != tile)
        check_complain(c, index, "%c's tile in %s is another one, brought by command %lld",
                       "ABC"[operand], where, (long long)p -> writer);
    else if (p->sums != sums)
        check_complain(c, index, "C in %s has %lld sums in it, not %lld", where, (long long)p->sums,
                       (long long)sums);
    else
        return true;
    return false;
}

static void note_reader(check_place *p, int64_t index, int64_t until)
{
    if (until > p->read_until) {
        p->read_until = until;
        p->reader = index;
    }
}

static void read_place(check *c, int64_t index, int place, check_place *p)
{
    const kpu_command *command = &c->schedule->commands[index];
    const char *where = check_place_name(place);
    int64_t ready = command->kind == KPU_CMD_STR_COUT ? p->settled : p->ready;
    if (finds(c, index, p, command->operand, where) && command->start < ready)
        check_complain(c, index,
                       "is read from %s before cycle %lld, when command %lld has "
                       "brought it",
                       where, (long long)ready, (long long)p->writer);
    note_reader(p, index, command->busy_end);
}

/* What is there must not be read, or brought, any more. */
static void free_place(check *c, int64_t index, int place, const check_place *p)
{
    const kpu_command *command = &c->schedule->commands[index];
    if (command->start < p->read_until)
        check_complain(c, index, "overwrites in %s what command %lld reads until cycle %lld",
                       check_place_name(place), (long long)p->reader, (long long)p->read_until);
    else if (command->start < p->ready)
        check_complain(c, index, "overwrites in %s what command %lld brings until cycle %lld",
                       check_place_name(place), (long long)p->writer, (long long)p->ready);
}

static void write_place(check *c, int64_t index, int place, check_place *p)
{
    const kpu_command *command = &c->schedule->commands[index];
    free_place(c, index, place, p);
    bool is_c = command->operand == KPU_C;
    *p = (check_place){
        .tile = check_tile_number(c, command, command->operand),
        .sums = is_c ? c->sums[index] : 0,
        .first = command->start + (command->ready - command->busy_end),
        .ready = command->ready,
        .settled = command->ready,
        .writer = index,
        .reader = -1,
    };
}

static void follow_transfer(check *c, int64_t index)
{
    const kpu_command *command = &c->schedule->commands[index];
    check_route route = check_route_of(c, command);
    check_place *source = place_of(c, index, route.source, command->source_slot);
    check_place *dest = place_of(c, index, route.dest, command->dest_slot);
    if (source) /* A and B are in DRAM from the beginning */
        read_place(c, index, route.source, source);
    write_place(c, index, route.dest, dest);
}

/* A stream can be used from its first datum on, if it is there when the step ends; what stays in
 * the registers, once it is there. */
static void feed_fabric(check *c, int64_t index, int operand)
{
    const kpu_command *command = &c->schedule->commands[index];
    int place = check_edge_of(c, operand);
    const char *where = check_place_name(place);
    check_place *p = &c->places[place][operand][command->use_slot[operand]];
    int64_t begin = place == PLACE_L1 ? p->first : p->ready;
    if (!finds(c, index, p, operand, where))
        return;
    if (command->start < begin)
        check_complain(c, index, "begins before %c is in %s, in cycle %lld", "ABC"[operand], where,
                       (long long)begin);
    else if (command->busy_end < p->ready)
        check_complain(c, index, "ends before all of %c is in %s, in cycle %lld", "ABC"[operand],
                       where, (long long)p -> ready);
    note_reader(p, index, command->busy_end);
}

static void follow_fabric(check *c, int64_t index)
{
    const kpu_command *command = &c->schedule->commands[index];
    feed_fabric(c, index, KPU_A);
    feed_fabric(c, index, KPU_B);
    int place = check_edge_of(c, KPU_C);
    check_place *p = &c->places[place][KPU_C][command->use_slot[KPU_C]];
    if (command->fresh)
        free_place(c, index, place, p);
    else
        feed_fabric(c, index, KPU_C);
    *p = (check_place){
        .tile = check_tile_number(c, command, KPU_C),
        .sums = c->sums[index] + 1,
        .first = command->busy_end,
        .ready = command->busy_end,
        .settled = command->busy_end + kpu_machine_skew_cycles(&c->schedule->machine),
        .writer = index,
        .reader = -1,
    };
}

/* ---- Engines ------------------------------------------------------------------------------ */

/* One command at a time; streamers, the fabric and every engine of iddo in the order of emission.
 */
static void follow_engine(check *c, int64_t index)
{
    const kpu_command *command = &c->schedule->commands[index];
    uint8_t engine = kpu_command_class(command->kind);
    int64_t *free_at = &c->engine_free[engine][command->engine];
    int64_t *latest = &c->engine_latest[engine][command->engine];
    bool may_overtake = c->schedule->mapping.control == KPU_EDDO &&
                        (engine == KPU_ENGINE_DMA || engine == KPU_ENGINE_BM);
    if (command->start < *free_at)
        check_complain(c, index, "its engine is busy with command %lld until cycle %lld",
                       (long long)*latest, (long long)*free_at);
    else if (index < *latest && !may_overtake)
        check_complain(c, index, "its engine ran command %lld first", (long long)*latest);
    *free_at = command->busy_end;
    *latest = index;
}

/* ---- The whole run ------------------------------------------------------------------------ */

static void check_result(check *c)
{
    const kpu_mapping *m = &c->schedule->mapping;
    int64_t tiles = m->tiles[KPU_M] * m->tiles[KPU_N], missing = 0;
    for (int64_t i = 0; i < tiles; i++)
        missing += c->places[PLACE_DRAM][KPU_C][i].sums != m->tiles[KPU_K];
    if (!missing)
        return;
    c->errors++;
    kpu_diag_add(c->diag, KPU_E_REFUTED, "%lld of %lld tiles of C are not final in DRAM",
                 (long long)missing, (long long)tiles);
}

static bool open_places(check *c)
{
    c->used[PLACE_DRAM][KPU_C] =
        c->schedule->mapping.tiles[KPU_M] * c->schedule->mapping.tiles[KPU_N];
    for (int place = 0; place < PLACES; place++)
        for (int x = 0; x < KPU_OPERANDS; x++) {
            size_t count = (size_t)c->used[place][x];
            c->places[place][x] = calloc(count + 1, sizeof(check_place));
            if (!c->places[place][x])
                return false;
            for (size_t i = 0; i < count; i++)
                c->places[place][x][i].tile = -1;
        }
    for (int engine = 0; engine < KPU_ENGINE_CLASSES; engine++) {
        size_t engines = (size_t)kpu_schedule_engines(c->schedule, engine);
        c->engine_free[engine] = calloc(engines, sizeof(int64_t));
        c->engine_latest[engine] = calloc(engines, sizeof(int64_t));
        if (!c->engine_free[engine] || !c->engine_latest[engine])
            return false;
    }
    return true;
}

static void close_places(check *c)
{
    for (int place = 0; place < PLACES; place++)
        for (int x = 0; x < KPU_OPERANDS; x++)
            free(c->places[place][x]);
    for (int engine = 0; engine < KPU_ENGINE_CLASSES; engine++) {
        free(c->engine_free[engine]);
        free(c->engine_latest[engine]);
    }
}

int check_places(check *c)
{
    const kpu_schedule *s = c->schedule;
    sort_key *keys = sorted(s);
    int code = KPU_OK;
    if (!keys || !open_places(c))
        code = kpu_diag_add(c->diag, KPU_E_MEMORY, "no memory to check a schedule");
    for (int64_t i = 0; !code && i < s->command_count && !check_is_full(c); i++) {
        int64_t index = keys[i].command;
        follow_engine(c, index);
        if (s->commands[index].kind == KPU_CMD_FAB)
            follow_fabric(c, index);
        else
            follow_transfer(c, index);
    }
    if (!code && !check_is_full(c))
        check_result(c);
    close_places(c);
    free(keys);
    return code;
}
