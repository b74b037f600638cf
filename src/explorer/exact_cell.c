#include "explorer/exact_cell.h"

#include <string.h>

enum {
    AXIS_TILE = 0,
    AXIS_BLOCK = 3,
    AXIS_DATAFLOW = 6,
    AXIS_SWAP,
    AXIS_ORDER,
    AXIS_L3,
    AXIS_L2,
    AXIS_L1,
    AXIS_CONTROL,
    AXIS_WINDOW,
    AXIS_RESIDENCY
};
_Static_assert(AXIS_RESIDENCY + 1 == KPU_SPACE_AXES, "the rows of kpu_space_axes, in their order");

/* What a bound says depends on the tiles most, and most of what it says takes one tile, not a
 * range. The numbers of buffers count little; control and window not at all. Any other order finds
 * the same front; of those that were tried this one makes the fewest boxes. */
static const int turns[KPU_SPACE_AXES] = {
    [AXIS_TILE] = 1,      [AXIS_TILE + 1] = 1,  [AXIS_TILE + 2] = 1,  [AXIS_BLOCK] = 2,
    [AXIS_BLOCK + 1] = 2, [AXIS_BLOCK + 2] = 2, [AXIS_RESIDENCY] = 3, [AXIS_DATAFLOW] = 4,
    [AXIS_SWAP] = 4,      [AXIS_ORDER] = 4,     [AXIS_L3] = 5,        [AXIS_L2] = 5,
    [AXIS_L1] = 5,        [AXIS_CONTROL] = 6,   [AXIS_WINDOW] = 6,
};

/* ---- Shape -------------------------------------------------------------------------------- */

static int bits_for(int64_t length)
{
    int bits = 1;
    while ((length - 1) >> bits)
        bits++;
    return bits;
}

static void add_dial(kpu_cell_shape *shape, int digit, int64_t length, int64_t stride)
{
    shape->dial[shape->dials++] = (kpu_dial){
        .digit = digit, .length = (int32_t)length, .bits = bits_for(length), .stride = stride};
}

static const kpu_values *values_of(const kpu_cell_shape *shape, size_t axis)
{
    return &shape->space->values[(size_t)shape->gemm * KPU_SPACE_AXES + axis];
}

static bool ascends(const kpu_values *values)
{
    for (int64_t i = 1; i < values->count; i++)
        if (values->number[i - 1] > values->number[i])
            return false;
    return true;
}

static void add_digits(kpu_cell_shape *shape, int dial_of_digit[KPU_DIGITS_MAX])
{
    const kpu_space *space = shape->space;
    size_t digits = space->digits.digit_count;
    const int64_t *lengths = &space->lengths[(size_t)shape->gemm * digits];
    int64_t stride[KPU_DIGITS_MAX];
    int64_t next = 1;
    for (size_t d = digits; d-- > 0; next *= lengths[d])
        stride[d] = next;
    for (size_t d = 0; d < digits; d++) {
        dial_of_digit[d] = lengths[d] > 1 ? (int)shape->dials : -1;
        if (lengths[d] > 1)
            add_dial(shape, (int)d, lengths[d], stride[d]);
    }
}

void kpu_cell_shape_init(kpu_cell_shape *shape, const kpu_space *space, int64_t gemm)
{
    int dial_of_digit[KPU_DIGITS_MAX];
    *shape = (kpu_cell_shape){.space = space,
                              .gemm = gemm,
                              .first = space->first[gemm],
                              .dial_of_machine = space->machine_count > 1 ? 0 : -1};
    if (space->machine_count > 1)
        add_dial(shape, KPU_CELL_MACHINE, (int64_t)space->machine_count,
                 space->first[space->gemm_count]);
    add_digits(shape, dial_of_digit);
    for (size_t a = 0; a < KPU_SPACE_AXES; a++) {
        int dial = dial_of_digit[space->digits.digit_of[a]];
        shape->dial_of_axis[a] = dial;
        if (dial >= 0 && (shape->dial[dial].turn == 0 || turns[a] < shape->dial[dial].turn))
            shape->dial[dial].turn = turns[a];
        shape->sorted[a] =
            kpu_element_width(kpu_space_axes[a].element) == 1 && ascends(values_of(shape, a));
    }
    size_t bits = 0;
    for (size_t d = 0; d < shape->dials; d++)
        bits += 2 * (size_t)shape->dial[d].bits;
    shape->words = (bits + 63) / 64;
}

/* ---- Cells -------------------------------------------------------------------------------- */

void kpu_cell_all(const kpu_cell_shape *shape, kpu_cell *out)
{
    memset(out, 0, sizeof *out);
    for (size_t d = 0; d < shape->dials; d++)
        out->high[d] = shape->dial[d].length - 1;
}

static void put_bits(uint64_t *words, size_t at, int bits, uint64_t value)
{
    size_t word = at / 64, shift = at % 64;
    words[word] |= value << shift;
    if (shift + (size_t)bits > 64)
        words[word + 1] |= value >> (64 - shift);
}

static uint64_t get_bits(const uint64_t *words, size_t at, int bits)
{
    size_t word = at / 64, shift = at % 64;
    uint64_t value = words[word] >> shift;
    if (shift + (size_t)bits > 64)
        value |= words[word + 1] << (64 - shift);
    return value & ((UINT64_C(1) << bits) - 1);
}

void kpu_cell_pack(const kpu_cell_shape *shape, const kpu_cell *cell, uint64_t *words)
{
    size_t at = 0;
    memset(words, 0, shape->words * sizeof *words);
    for (size_t d = 0; d < shape->dials; d++) {
        int bits = shape->dial[d].bits;
        put_bits(words, at, bits, (uint64_t)cell->low[d]);
        put_bits(words, at + (size_t)bits, bits, (uint64_t)cell->high[d]);
        at += 2 * (size_t)bits;
    }
}

void kpu_cell_unpack(const kpu_cell_shape *shape, const uint64_t *words, kpu_cell *out)
{
    size_t at = 0;
    for (size_t d = 0; d < shape->dials; d++) {
        int bits = shape->dial[d].bits;
        out->low[d] = (int32_t)get_bits(words, at, bits);
        out->high[d] = (int32_t)get_bits(words, at + (size_t)bits, bits);
        at += 2 * (size_t)bits;
    }
}

int64_t kpu_cell_points(const kpu_cell_shape *shape, const kpu_cell *cell)
{
    int64_t points = 1; /* the whole space has at most 2^62 */
    for (size_t d = 0; d < shape->dials; d++)
        points *= cell->high[d] - cell->low[d] + 1;
    return points;
}

bool kpu_cell_is_point(const kpu_cell_shape *shape, const kpu_cell *cell)
{
    for (size_t d = 0; d < shape->dials; d++)
        if (cell->low[d] < cell->high[d])
            return false;
    return true;
}

int64_t kpu_cell_first_point(const kpu_cell_shape *shape, const kpu_cell *cell)
{
    int64_t index = shape->first;
    for (size_t d = 0; d < shape->dials; d++)
        index += cell->low[d] * shape->dial[d].stride;
    return index;
}

int64_t kpu_cell_machine(const kpu_cell_shape *shape, const kpu_cell *cell)
{
    int d = shape->dial_of_machine;
    if (d < 0)
        return 0;
    return cell->low[d] == cell->high[d] ? cell->low[d] : -1;
}

/* ---- Hull --------------------------------------------------------------------------------- */

/* Elements low..high of an axis. */
typedef struct stretch {
    const int64_t *number; /* the first element */
    int64_t count;
    size_t width;
    bool sorted;
} stretch;

static kpu_range range_of(const stretch *s, size_t column)
{
    kpu_range r = {s->number[column], s->number[column]};
    if (s->sorted) {
        r.high = s->number[s->count - 1];
        return r;
    }
    for (int64_t i = 1; i < s->count; i++) {
        int64_t v = s->number[(size_t)i * s->width + column];
        r.low = v < r.low ? v : r.low;
        r.high = v > r.high ? v : r.high;
    }
    return r;
}

static uint32_t bits_of(const stretch *s)
{
    uint32_t bits = 0;
    for (int64_t i = 0; i < s->count; i++)
        bits |= 1u << s->number[i];
    return bits;
}

/* Whole-dimension blocks, 0, are the largest. */
static kpu_range block_range(const stretch *s)
{
    kpu_range r = {INT64_MAX, 1};
    for (int64_t i = 0; i < s->count; i++) {
        int64_t v = s->number[i] == 0 ? INT64_MAX : s->number[i];
        r.low = v < r.low ? v : r.low;
        r.high = v > r.high ? v : r.high;
    }
    return r;
}

/* Number of a permutation of mnk in lexicographic order. */
static uint32_t permutation_bits(const stretch *s)
{
    uint32_t bits = 0;
    for (int64_t i = 0; i < s->count; i++) {
        const int64_t *order = s->number + (size_t)i * s->width;
        bits |= 1u << (2 * order[0] + (order[1] > order[2]));
    }
    return bits;
}

static void add_residencies(const stretch *s, kpu_box *box)
{
    const int64_t *first = s->number;
    box->any_auto = false;
    box->one_residency = true;
    for (int64_t i = 0; i < s->count; i++) {
        const int64_t *element = s->number + (size_t)i * s->width;
        box->any_auto |= element[0] != 0;
        if (memcmp(element, first, s->width * sizeof *element) != 0)
            box->one_residency = false;
    }
    if (box->one_residency && !box->any_auto)
        memcpy(box->hoist, first + 1, sizeof box->hoist);
}

static stretch stretch_of(const kpu_cell_shape *shape, const kpu_cell *cell, size_t axis)
{
    int d = shape->dial_of_axis[axis];
    int32_t low = d < 0 ? 0 : cell->low[d], high = d < 0 ? 0 : cell->high[d];
    size_t width = kpu_element_width(kpu_space_axes[axis].element);
    return (stretch){values_of(shape, axis)->number + (size_t)low * width, (int64_t)high - low + 1,
                     width, shape->sorted[axis]};
}

void kpu_cell_extremes(const kpu_cell_shape *shape, const kpu_cell *cell, kpu_point *low,
                       kpu_point *high)
{
    *low = *high = (kpu_point){.machine = kpu_cell_machine(shape, cell), .gemm = shape->gemm};
    for (size_t a = 0; a < KPU_SPACE_AXES; a++) {
        stretch s = stretch_of(shape, cell, a);
        for (size_t k = 0; k < s.width; k++) {
            kpu_range r = range_of(&s, k);
            size_t at = kpu_space_axes[a].offset + k * sizeof(int64_t);
            memcpy((char *)&low->candidate + at, &r.low, sizeof r.low);
            memcpy((char *)&high->candidate + at, &r.high, sizeof r.high);
        }
    }
}

void kpu_cell_hull(const kpu_cell_shape *shape, const kpu_cell *cell, kpu_box *out)
{
    stretch s[KPU_SPACE_AXES];
    for (size_t a = 0; a < KPU_SPACE_AXES; a++)
        s[a] = stretch_of(shape, cell, a);
    memset(out, 0, sizeof *out);
    for (size_t d = 0; d < KPU_DIMS; d++) {
        out->tile[d] = range_of(&s[AXIS_TILE + d], 0);
        out->block[d] = block_range(&s[AXIS_BLOCK + d]);
    }
    uint32_t dataflows = bits_of(&s[AXIS_DATAFLOW]), swaps = bits_of(&s[AXIS_SWAP]);
    for (int flow = 0; flow < KPU_DATAFLOWS; flow++)
        if (dataflows >> flow & 1)
            out->dataflows |= swaps << 2 * flow;
    out->orders = permutation_bits(&s[AXIS_ORDER]);
    for (size_t x = 0; x < KPU_OPERANDS; x++) {
        out->l3_buffers[x] = range_of(&s[AXIS_L3], x);
        out->l2_buffers[x] = range_of(&s[AXIS_L2], x);
    }
    out->l1_buffers = range_of(&s[AXIS_L1], 0);
    out->controls = bits_of(&s[AXIS_CONTROL]);
    out->eddo_window = range_of(&s[AXIS_WINDOW], 0);
    add_residencies(&s[AXIS_RESIDENCY], out);
}

/* ---- Layout ------------------------------------------------------------------------------- */

/* As kpu_mapping_make has it: whole, or a multiple of the tile as cut to the dimension. */
static bool goes_together(int64_t size, int64_t tile, int64_t block)
{
    return block == 0 || block >= size || block % (tile < size ? tile : size) == 0;
}

static bool some_go_together(int64_t size, const stretch *tiles, const stretch *blocks)
{
    for (int64_t b = 0; b < blocks->count; b++)
        for (int64_t t = 0; t < tiles->count; t++)
            if (goes_together(size, tiles->number[t], blocks->number[b]))
                return true;
    return false;
}

/* Tile and block may share a digit; then all pairs of the ranges are more than the cell has. */
bool kpu_cell_has_layout(const kpu_cell_shape *shape, const kpu_cell *cell)
{
    const kpu_problem *problem = &kpu_space_gemm(shape->space, shape->gemm)->problem;
    for (size_t d = 0; d < KPU_DIMS; d++) {
        stretch tiles = stretch_of(shape, cell, AXIS_TILE + d);
        stretch blocks = stretch_of(shape, cell, AXIS_BLOCK + d);
        if (!some_go_together(problem->dim[d], &tiles, &blocks))
            return false;
    }
    return true;
}
