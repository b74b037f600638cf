/* Points of a randomised Halton sequence, one dimension for each digit of a point's number: any
 * number of them cover every axis, and every few axes together, more evenly than random ones. */
#include <stdlib.h>

#include "explorer/draws.h"
#include "explorer/halton.h"

/* Dimensions: the GEMM by its share of the points, the machine, its axes, the candidate's digits.
 * A digit that has one value for every GEMM takes no dimension, since the first ones are best. */
typedef struct sequence {
    const kpu_space *space;
    kpu_halton halton;
    size_t dimensions;
    int of_gemm, of_machine; /* dimension, or -1 */
    int of_machine_digit[KPU_DIGITS_MAX];
    int of_digit[KPU_DIGITS_MAX];
} sequence;

static int give_dimension(sequence *s, bool varies)
{
    return varies ? (int)s->dimensions++ : -1;
}

static bool digit_varies(const kpu_space *space, size_t digit)
{
    for (size_t g = 0; g < space->gemm_count; g++) {
        if (space->lengths[g * space->digits.digit_count + digit] > 1)
            return true;
    }
    return false;
}

static int64_t base_machines(const kpu_space *space)
{
    return (int64_t)space->machine_count / space->machine_axes_size;
}

static void give_dimensions(sequence *s)
{
    const kpu_space *space = s->space;
    s->of_gemm = give_dimension(s, space->gemm_count > 1);
    for (size_t d = 0; d < space->digits.digit_count; d++)
        s->of_digit[d] = give_dimension(s, digit_varies(space, d));
    s->of_machine = give_dimension(s, base_machines(space) > 1);
    for (size_t d = 0; d < space->machine_digits.digit_count; d++)
        s->of_machine_digit[d] = give_dimension(s, space->machine_lengths[d] > 1);
}

static int64_t pick(const sequence *s, int dimension, int64_t n, int64_t length)
{
    return dimension < 0 ? 0 : kpu_halton_at(&s->halton, (size_t)dimension, n, length);
}

static int64_t index_of(const void *context, int64_t n)
{
    const sequence *s = context;
    const kpu_space *space = s->space;
    int64_t digits[KPU_DIGITS_MAX];
    int64_t share = pick(s, s->of_gemm, n, space->first[space->gemm_count]);
    int64_t gemm = (int64_t)kpu_space_gemm_of(space, share);
    int64_t machine = pick(s, s->of_machine, n, base_machines(space));
    for (size_t d = 0; d < space->machine_digits.digit_count; d++)
        machine = machine * space->machine_lengths[d] +
                  pick(s, s->of_machine_digit[d], n, space->machine_lengths[d]);
    const int64_t *lengths = &space->lengths[(size_t)gemm * space->digits.digit_count];
    for (size_t d = 0; d < space->digits.digit_count; d++)
        digits[d] = pick(s, s->of_digit[d], n, lengths[d]);
    return kpu_space_index(space, machine, gemm, digits);
}

static int run(kpu_search_session *session)
{
    sequence s = {.space = session->space};
    const kpu_draws draws = {.index = index_of, .context = &s};
    give_dimensions(&s);
    int code =
        kpu_halton_init(&s.halton, s.dimensions,
                        kpu_random_u64(session->settings.seed, KPU_STREAM_LOW_DISCREPANCY, 0));
    code = code == KPU_OK ? kpu_draws_search(session, &draws)
                          : kpu_diag_add(session->diag, code, "out of memory");
    kpu_halton_fini(&s.halton);
    return code;
}

const kpu_search kpu_search_low_discrepancy = {
    .name = "low-discrepancy",
    .summary = "points spread evenly over all axes (randomised Halton), none twice",
    .budget = KPU_SEARCH_NEEDS,
    .shards = KPU_SHARDS_OF_DRAWS,
    .run = run,
};
