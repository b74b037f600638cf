#include "simulator/execution.h"

#include <string.h>

const execution_route execution_routes[KPU_COMMANDS] = {
    [KPU_CMD_DMA_LOAD_A] = {SPACE_DRAM, SPACE_L3},  [KPU_CMD_DMA_LOAD_B] = {SPACE_DRAM, SPACE_L3},
    [KPU_CMD_DMA_LOAD_C] = {SPACE_DRAM, SPACE_L3},  [KPU_CMD_BM_LOAD_A] = {SPACE_L3, SPACE_L2},
    [KPU_CMD_BM_LOAD_B] = {SPACE_L3, SPACE_L2},     [KPU_CMD_BM_LOAD_C] = {SPACE_L3, SPACE_L2},
    [KPU_CMD_STR_A] = {SPACE_L2, SPACE_EDGE},       [KPU_CMD_STR_B] = {SPACE_L2, SPACE_EDGE},
    [KPU_CMD_STR_CIN] = {SPACE_L2, SPACE_EDGE},     [KPU_CMD_FAB] = {SPACE_EDGE, SPACE_EDGE},
    [KPU_CMD_STR_COUT] = {SPACE_EDGE, SPACE_L2},    [KPU_CMD_BM_STORE_C] = {SPACE_L2, SPACE_L3},
    [KPU_CMD_DMA_STORE_C] = {SPACE_L3, SPACE_DRAM},
};

/* Rows and columns of a tensor that does not lie transposed. */
static const uint8_t row_dims[KPU_OPERANDS] = {[KPU_A] = KPU_M, [KPU_B] = KPU_K, [KPU_C] = KPU_M};
static const uint8_t col_dims[KPU_OPERANDS] = {[KPU_A] = KPU_K, [KPU_B] = KPU_N, [KPU_C] = KPU_N};

int execution_space(const execution *e, int space, int operand)
{
    if (space != SPACE_EDGE)
        return space;
    return operand == e->stationary ? SPACE_REGISTERS : SPACE_L1;
}

static int64_t element_bytes(const execution *e, int operand, bool partial)
{
    const kpu_problem *problem = &e->schedule->mapping.problem;
    return partial ? problem->partial_bytes : problem->element_bytes[operand];
}

int64_t execution_source_bytes(const execution *e, const kpu_command *command)
{
    bool leaves_array = command->kind == KPU_CMD_STR_COUT;
    bool partial = command->operand == KPU_C && (leaves_array || !command->final);
    return element_bytes(e, command->operand, partial);
}

int64_t execution_dest_bytes(const execution *e, const kpu_command *command)
{
    return element_bytes(e, command->operand, command->operand == KPU_C && !command->final);
}

int64_t execution_elements(const execution *e, const kpu_command *command, int operand)
{
    int64_t extent[KPU_DIMS];
    kpu_command_extent(e->schedule, command, extent);
    return extent[row_dims[operand]] * extent[col_dims[operand]];
}

char *execution_slot(const execution *e, int space, int operand, int64_t slot)
{
    return e->memory[space][operand] + slot * e->schedule->mapping.slot_bytes[operand];
}

/* The tile's rows in the tensor. */
static execution_region in_dram(const execution *e, const kpu_command *command, int64_t bytes)
{
    const kpu_mapping *mapping = &e->schedule->mapping;
    int x = command->operand;
    bool turned = mapping->problem.transposed[x];
    int row = turned ? col_dims[x] : row_dims[x], col = turned ? row_dims[x] : col_dims[x];
    int64_t extent[KPU_DIMS];
    kpu_command_extent(e->schedule, command, extent);
    char *tensor = x == KPU_C && command->final ? e->matrices->c : e->memory[SPACE_DRAM][x];
    int64_t pitch = mapping->problem.dim[col] * bytes;
    return (execution_region){
        .bytes = tensor + command->tile[row] * mapping->tile[row] * pitch +
                 command->tile[col] * mapping->tile[col] * bytes,
        .row_bytes = extent[col] * bytes,
        .pitch = pitch,
        .total = extent[row] * extent[col] * bytes,
    };
}

static execution_region in_slot(const execution *e, const kpu_command *command, int space,
                                int64_t slot, int64_t bytes)
{
    int64_t total = execution_elements(e, command, command->operand) * bytes;
    return (execution_region){
        .bytes = execution_slot(e, space, command->operand, slot),
        .row_bytes = total,
        .pitch = total,
        .total = total,
    };
}

execution_region execution_source(const execution *e, const kpu_command *command)
{
    int space = execution_space(e, execution_routes[command->kind].source, command->operand);
    int64_t bytes = execution_source_bytes(e, command);
    if (space == SPACE_DRAM)
        return in_dram(e, command, bytes);
    return in_slot(e, command, space, command->source_slot, bytes);
}

execution_region execution_dest(const execution *e, const kpu_command *command)
{
    int space = execution_space(e, execution_routes[command->kind].dest, command->operand);
    int64_t bytes = execution_dest_bytes(e, command);
    if (space == SPACE_DRAM)
        return in_dram(e, command, bytes);
    return in_slot(e, command, space, command->dest_slot, bytes);
}

/* Calls for each piece of a row between two offsets in the tile. */
void execution_read(const execution_region *region, int64_t from, int64_t to, char *out)
{
    while (from < to) {
        int64_t row = from / region->row_bytes, column = from % region->row_bytes;
        int64_t count =
            region->row_bytes - column < to - from ? region->row_bytes - column : to - from;
        memcpy(out + from, region->bytes + row * region->pitch + column, (size_t)count);
        from += count;
    }
}

void execution_write(const execution_region *region, int64_t from, int64_t to, const char *in)
{
    while (from < to) {
        int64_t row = from / region->row_bytes, column = from % region->row_bytes;
        int64_t count =
            region->row_bytes - column < to - from ? region->row_bytes - column : to - from;
        memcpy(region->bytes + row * region->pitch + column, in + from, (size_t)count);
        from += count;
    }
}

/* All ones are a NaN in every floating type; as an integer they would be -1, which is too likely a
 * number. */
void execution_spoil(const execution *e, int operand, char *bytes, int64_t count)
{
    const int nan_byte = 0xff, junk_byte = 0xa5;
    bool floating = kpu_dtype_is_float(e->matrices->dtype[operand]);
    memset(bytes, floating ? nan_byte : junk_byte, (size_t)count);
}

void execution_spoil_dest(const execution *e, const kpu_command *command)
{
    int x = command->operand;
    int space = execution_space(e, execution_routes[command->kind].dest, x);
    execution_region region = execution_dest(e, command);
    if (space != SPACE_DRAM) {
        execution_spoil(e, x, region.bytes, e->schedule->mapping.slot_bytes[x]);
        return;
    }
    for (int64_t at = 0; at < region.total; at += region.row_bytes)
        execution_spoil(e, x, region.bytes + at / region.row_bytes * region.pitch,
                        region.row_bytes);
}

static int64_t *writer_of(const execution *e, int64_t index)
{
    const kpu_command *command = &e->schedule->commands[index];
    int space = execution_space(e, execution_routes[command->kind].dest, command->operand);
    return space == SPACE_DRAM ? NULL : &e->writer[space][command->operand][command->dest_slot];
}

void execution_claim_dest(const execution *e, int64_t command)
{
    int64_t *writer = writer_of(e, command);
    if (writer)
        *writer = command;
}

bool execution_owns_dest(const execution *e, int64_t command)
{
    const int64_t *writer = writer_of(e, command);
    return !writer || *writer == command;
}

/* transpose_uint8_t, ... */
#define KPU_TRANSPOSE(type)                                                                        \
    static void transpose_##type(const char *in, int64_t rows, int64_t columns, char *out)         \
    {                                                                                              \
        for (int64_t c = 0; c < columns; c++)                                                      \
            for (int64_t r = 0; r < rows; r++)                                                     \
                memcpy(out + (c * rows + r) * (int64_t)sizeof(type),                               \
                       in + (r * columns + c) * (int64_t)sizeof(type), sizeof(type));              \
    }
KPU_TRANSPOSE(uint8_t)
KPU_TRANSPOSE(uint16_t)
KPU_TRANSPOSE(uint32_t)
KPU_TRANSPOSE(uint64_t)
#undef KPU_TRANSPOSE

void execution_transpose(const char *in, int64_t rows, int64_t columns, int64_t bytes, char *out)
{
    static void (*const by_bytes[])(const char *, int64_t, int64_t, char *) = {
        [sizeof(uint8_t)] = transpose_uint8_t,
        [sizeof(uint16_t)] = transpose_uint16_t,
        [sizeof(uint32_t)] = transpose_uint32_t,
        [sizeof(uint64_t)] = transpose_uint64_t,
    };
    by_bytes[bytes](in, rows, columns, out);
}
