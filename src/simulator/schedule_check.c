#include "simulator/schedule_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { COMPLAINT_MAX = 240 };

bool check_is_full(const check *c)
{
    return c->errors >= KPU_SCHEDULE_ERRORS_MAX;
}

void check_complain(check *c, int64_t index, const char *format, ...)
{
    if (check_is_full(c))
        return;
    c->errors++;
    const kpu_command *command = &c->schedule->commands[index];
    char what[COMPLAINT_MAX], tile[KPU_COMMAND_TILE_TEXT];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    bool known = command->kind < KPU_COMMANDS && command->operand < KPU_OPERANDS;
    kpu_diag_add(c->diag, KPU_E_REFUTED, "command %lld, %s %s in cycle %lld: %s", (long long)index,
                 known ? kpu_command_names[command->kind] : "of an unknown kind",
                 known ? kpu_command_tile_text(command, tile) : "", (long long)command->start,
                 what);
}

const char *check_place_name(int place)
{
    static const char *const names[PLACES] = {"DRAM", "l3", "l2", "l1", "the registers"};
    return names[place];
}

int check_edge_of(const check *c, int operand)
{
    return operand == c->program.stationary ? PLACE_REGISTERS : PLACE_L1;
}

check_route check_route_of(const check *c, const kpu_command *command)
{
    int edge = check_edge_of(c, command->operand);
    const check_route routes[KPU_ENGINE_CLASSES][2] = {
        [KPU_ENGINE_DMA] = {{PLACE_DRAM, PLACE_L3}, {PLACE_L3, PLACE_DRAM}},
        [KPU_ENGINE_BM] = {{PLACE_L3, PLACE_L2}, {PLACE_L2, PLACE_L3}},
        [KPU_ENGINE_STR_A] = {{PLACE_L2, edge}, {0, 0}},
        [KPU_ENGINE_STR_B] = {{PLACE_L2, edge}, {0, 0}},
        [KPU_ENGINE_STR_CIN] = {{PLACE_L2, edge}, {0, 0}},
        [KPU_ENGINE_STR_COUT] = {{0, 0}, {edge, PLACE_L2}},
        [KPU_ENGINE_FAB] = {{edge, edge}, {0, 0}},
    };
    bool stores = command->kind >= KPU_CMD_STR_COUT;
    return routes[kpu_command_class(command->kind)][stores];
}

int64_t check_tile_number(const check *c, const kpu_command *command, int operand)
{
    static const uint8_t row[KPU_OPERANDS] = {KPU_M, KPU_K, KPU_M};
    static const uint8_t column[KPU_OPERANDS] = {KPU_K, KPU_N, KPU_N};
    const int64_t *tile = command->tile, *tiles = c->schedule->mapping.tiles;
    return tile[row[operand]] * tiles[column[operand]] + tile[column[operand]];
}

/* The last moment of any command is the run's. */
static void check_cycles(check *c)
{
    const kpu_schedule *s = c->schedule;
    int64_t latest = 0;
    for (int64_t i = 0; i < s->command_count; i++)
        if (s->commands[i].ready > latest)
            latest = s->commands[i].ready;
    if (latest == s->cycles)
        return;
    c->errors++;
    kpu_diag_add(c->diag, KPU_E_REFUTED, "the run is said to take %lld cycles, and takes %lld",
                 (long long)s->cycles, (long long)latest);
}

int kpu_schedule_check(const kpu_schedule *schedule, kpu_diag *diag)
{
    check c = {.schedule = schedule, .diag = diag};
    kpu_program_compile(&schedule->mapping, &c.program);
    c.sums = calloc((size_t)schedule->command_count + 1, sizeof *c.sums);
    int code = c.sums ? KPU_OK : kpu_diag_add(diag, KPU_E_MEMORY, "no memory to check a schedule");
    if (!code)
        check_shapes(&c);
    if (!code && !c.errors)
        check_nest(&c);
    if (!code && !c.errors) {
        check_cycles(&c);
        code = check_places(&c);
    }
    free(c.sums);
    return code ? code : c.errors ? KPU_E_REFUTED : KPU_OK;
}
