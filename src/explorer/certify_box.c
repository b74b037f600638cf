/* Boxes of a space, and the points in them. */
#include <string.h>

#include "explorer/certify.h"

void kpu_certify_box_init(const kpu_space *space, kpu_certify_box *out)
{
    memset(out, 0, sizeof *out);
    out->gemm.high = (int64_t)space->gemm_count - 1;
    out->machine.high = (int64_t)space->machine_count - 1;
    kpu_certify_box_enter_gemm(space, out);
}

bool kpu_certify_box_is_cell(const kpu_certify_box *box)
{
    return box->gemm.low == box->gemm.high && box->machine.low == box->machine.high;
}

kpu_certify_range *kpu_certify_box_range(kpu_certify_box *box, int64_t digit)
{
    return digit == KPU_CERTIFY_DIGIT_GEMM      ? &box->gemm
           : digit == KPU_CERTIFY_DIGIT_MACHINE ? &box->machine
                                                : &box->digit[digit];
}

static const int64_t *lengths_of(const kpu_space *space, int64_t gemm)
{
    return &space->lengths[(size_t)gemm * space->digits.digit_count];
}

void kpu_certify_box_enter_gemm(const kpu_space *space, kpu_certify_box *box)
{
    const int64_t *lengths = lengths_of(space, box->gemm.low);
    for (size_t d = 0; d < space->digits.digit_count; d++)
        box->digit[d] = (kpu_certify_range){0, lengths[d] - 1};
}

int64_t kpu_certify_box_count(const kpu_space *space, const kpu_certify_box *box)
{
    int64_t count = 1; /* at most the size of the space, which fits */
    for (size_t d = 0; d < space->digits.digit_count; d++)
        count *= box->digit[d].high - box->digit[d].low + 1;
    return count;
}

/* What the digits say, into the candidate. */
static void decode(const kpu_space *space, int64_t gemm, const int64_t *digit, kpu_candidate *out)
{
    const kpu_values *values = &space->values[(size_t)gemm * KPU_SPACE_AXES];
    for (size_t a = 0; a < KPU_SPACE_AXES; a++) {
        size_t width = kpu_element_width(kpu_space_axes[a].element);
        const int64_t *element =
            values[a].number + (size_t)digit[space->digits.digit_of[a]] * width;
        memcpy((char *)out + kpu_space_axes[a].offset, element, width * sizeof *element);
    }
}

bool kpu_certify_box_point(const kpu_space *space, const kpu_certify_box *box, int64_t n,
                           kpu_point *out)
{
    const int64_t *lengths = lengths_of(space, box->gemm.low);
    int64_t digit[KPU_SPACE_AXES];
    for (size_t d = space->digits.digit_count; d-- > 0;) {
        int64_t within = box->digit[d].high - box->digit[d].low + 1;
        digit[d] = box->digit[d].low + n % within;
        n /= within;
    }
    *out = (kpu_point){.machine = box->machine.low, .gemm = box->gemm.low};
    decode(space, out->gemm, digit, &out->candidate);
    for (size_t d = 0; d < space->digits.digit_count; d++)
        out->index = out->index * lengths[d] + digit[d];
    out->index += space->first[out->gemm] + out->machine * space->first[space->gemm_count];
    return kpu_space_admits(space, out);
}

void kpu_certify_box_of_id(const kpu_space *space, int64_t id, kpu_certify_box *out)
{
    int64_t of_machine = space->first[space->gemm_count];
    int64_t machine = id / of_machine, rest = id % of_machine, gemm = 0;
    while (space->first[gemm + 1] <= rest)
        gemm++;
    *out = (kpu_certify_box){.gemm = {gemm, gemm}, .machine = {machine, machine}};
    rest -= space->first[gemm];
    const int64_t *lengths = lengths_of(space, gemm);
    for (size_t d = space->digits.digit_count; d-- > 0; rest /= lengths[d])
        out->digit[d] = (kpu_certify_range){rest % lengths[d], rest % lengths[d]};
}
