/* Whether a closed box is closed rightly: one function a way to close one. */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "explorer/certify.h"

/* Candidates of a box, or pairs of a tile and a block, that are looked at one by one. */
static const int64_t looked_at_max = INT64_C(1) << 20;

__attribute__((format(printf, 2, 3))) static int refute(kpu_certify_claim *claim,
                                                        const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vsnprintf(claim->reason, sizeof claim->reason, format, list);
    va_end(list);
    return KPU_E_REFUTED;
}

static const kpu_metric *objective(const kpu_certify_proof *proof, size_t i)
{
    return kpu_metric_at((size_t)kpu_space_objective(proof->space, i));
}

bool kpu_certify_dominates(const kpu_space *space, const double *a, const double *b)
{
    bool better = false;
    for (size_t i = 0; i < kpu_space_objective_count(space); i++) {
        bool most = kpu_metric_at((size_t)kpu_space_objective(space, i))->sense == KPU_SENSE_MAX;
        if (most ? !(a[i] >= b[i]) : !(a[i] <= b[i]))
            return false;
        better |= a[i] != b[i];
    }
    return better;
}

int64_t kpu_certify_find_member(const kpu_certify_member *members, size_t count, int64_t gemm,
                                int64_t id)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const kpu_certify_member *m = &members[middle];
        if (m->gemm < gemm || (m->gemm == gemm && m->id < id))
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < count && members[low].gemm == gemm && members[low].id == id;
    return found ? (int64_t)low : -1;
}

/* The member that the claim names is as good as what is claimed everywhere, better somewhere, and
 * of the same GEMM. */
static int check_dominated(const kpu_certify_proof *proof, kpu_certify_claim *claim)
{
    const kpu_certify_member *member = &proof->members[claim->member];
    if (member->gemm != claim->box.gemm.low)
        return refute(claim, "member %" PRId64 " is of GEMM %" PRId64 ", this box of %" PRId64,
                      claim->member, member->gemm, claim->box.gemm.low);
    if (kpu_certify_dominates(proof->space, member->value, claim->value))
        return KPU_OK;
    for (size_t i = 0; i < proof->objectives; i++) {
        bool most = objective(proof, i)->sense == KPU_SENSE_MAX;
        if (most ? member->value[i] < claim->value[i] : member->value[i] > claim->value[i])
            return refute(claim,
                          "member %" PRId64 " does not dominate this: its %s is %.17g, against "
                          "%.17g",
                          claim->member, objective(proof, i)->name, member->value[i],
                          claim->value[i]);
    }
    return refute(claim, "member %" PRId64 " does not dominate this: it is equal in all objectives",
                  claim->member);
}

/* ---- i: nothing fits --------------------------------------------------------------------- */

/* As the model has it: a block is whole, or a multiple of the clamped tile. */
static bool goes_together(int64_t size, int64_t tile, int64_t block)
{
    return block == 0 || block >= size || block % (tile < size ? tile : size) == 0;
}

/* Whether any tile of the box goes together with any block along this dimension. */
static bool has_pair(const kpu_space *space, const kpu_certify_box *box, int dim)
{
    const int64_t gemm = box->gemm.low;
    const kpu_values *values = &space->values[(size_t)gemm * KPU_SPACE_AXES];
    const int64_t *tiles = values[dim].number, *blocks = values[KPU_DIMS + dim].number;
    const size_t tile_digit = space->digits.digit_of[dim];
    const size_t block_digit = space->digits.digit_of[KPU_DIMS + dim];
    const kpu_certify_range *t = &box->digit[tile_digit], *b = &box->digit[block_digit];
    const int64_t size = kpu_space_gemm(space, gemm)->problem.dim[dim];
    if ((t->high - t->low + 1) * (b->high - b->low + 1) > looked_at_max)
        return true; /* who knows */
    for (int64_t j = b->low; j <= b->high; j++)
        for (int64_t i = t->low; i <= t->high; i++)
            if ((tile_digit != block_digit || i == j) && goes_together(size, tiles[i], blocks[j]))
                return true;
    return false;
}

static bool fits(const kpu_space *space, const kpu_point *point)
{
    kpu_mapping mapping;
    const kpu_problem *problem = &kpu_space_gemm(space, point->gemm)->problem;
    int code = kpu_mapping_make(kpu_space_machine(space, point->machine), problem,
                                &point->candidate, &mapping);
    return code != KPU_OK || mapping.broken == 0;
}

static int look_at_each(const kpu_certify_proof *proof, kpu_certify_claim *claim)
{
    int64_t count = kpu_certify_box_count(proof->space, &claim->box);
    if (count > looked_at_max)
        return refute(claim,
                      "no bound shows that nothing of this box fits, and its %" PRId64
                      " candidates are more than the %" PRId64 " that are looked at one by one",
                      count, looked_at_max);
    for (int64_t n = 0; n < count; n++) {
        kpu_point point;
        if (kpu_certify_box_point(proof->space, &claim->box, n, &point) &&
            fits(proof->space, &point))
            return refute(claim, "the box is not empty: candidate %" PRId64 " fits", point.index);
    }
    return KPU_OK;
}

static int check_empty(const kpu_certify_proof *proof, kpu_worker *worker, kpu_certify_claim *claim)
{
    kpu_certify_bounds bounds;
    (void)worker;
    for (int d = 0; d < KPU_DIMS; d++)
        if (!has_pair(proof->space, &claim->box, d))
            return KPU_OK;
    kpu_certify_bound(proof->space, &claim->box, &bounds);
    return bounds.empty ? KPU_OK : look_at_each(proof, claim);
}

/* ---- d: a bound is dominated ------------------------------------------------------------- */

static int check_ruled_out(const kpu_certify_proof *proof, kpu_worker *worker,
                           kpu_certify_claim *claim)
{
    kpu_certify_bounds bounds;
    (void)worker;
    kpu_certify_bound(proof->space, &claim->box, &bounds);
    for (size_t i = 0; i < proof->objectives && !bounds.empty; i++) {
        bool most = objective(proof, i)->sense == KPU_SENSE_MAX;
        if (most ? claim->value[i] < bounds.value[i] : claim->value[i] > bounds.value[i])
            return refute(claim,
                          "the bound of this box is %.17g in %s, the certificate claims %.17g",
                          bounds.value[i], objective(proof, i)->name, claim->value[i]);
    }
    return check_dominated(proof, claim);
}

/* ---- e, n, p: one candidate, timed ------------------------------------------------------- */

int kpu_certify_evaluate(const kpu_space *space, kpu_worker *worker, const kpu_point *point,
                         bool *feasible, kpu_metric_value *metrics)
{
    const kpu_machine *machine = kpu_space_machine(space, point->machine);
    const kpu_problem *problem = &kpu_space_gemm(space, point->gemm)->problem;
    int code =
        kpu_evaluate(worker->simulator, machine, problem, &point->candidate, &worker->result);
    *feasible = code == KPU_OK && worker->result.mapping.broken == 0;
    if (*feasible)
        kpu_metrics_compute(machine, &worker->result, metrics);
    return code;
}

static bool same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

/* Times the candidate that the box is, and compares. */
static int check_values(const kpu_certify_proof *proof, kpu_worker *worker,
                        kpu_certify_claim *claim)
{
    kpu_metric_value *metrics = &proof->scratch[worker->number * kpu_metric_count()];
    kpu_point point;
    bool feasible = false;
    if (!kpu_certify_box_point(proof->space, &claim->box, 0, &point))
        return refute(claim, "a constraint excludes candidate %" PRId64, point.index);
    bool is_member = claim->closing == &kpu_certify_closings[KPU_CERTIFY_MEMBER];
    kpu_simulator_set_fast_forward(worker->simulator, proof->fast_forward && !is_member);
    int code = kpu_certify_evaluate(proof->space, worker, &point, &feasible, metrics);
    if (code != KPU_OK)
        return code;
    if (!feasible)
        return refute(claim, "candidate %" PRId64 " does not fit", point.index);
    for (size_t i = 0; i < proof->objectives; i++) {
        kpu_metric_value value = metrics[kpu_space_objective(proof->space, i)];
        const kpu_metric *metric = objective(proof, i);
        double timed = metric->type == KPU_METRIC_INT64 ? (double)value.i : value.d;
        if (!same(timed, claim->value[i]))
            return refute(claim,
                          "the %s of candidate %" PRId64
                          " comes out as %.17g, the certificate claims %.17g",
                          metric->name, point.index, timed, claim->value[i]);
    }
    return KPU_OK;
}

static int check_simulated(const kpu_certify_proof *proof, kpu_worker *worker,
                           kpu_certify_claim *claim)
{
    int code = check_values(proof, worker, claim);
    return code == KPU_OK ? check_dominated(proof, claim) : code;
}

static int check_no_number(const kpu_certify_proof *proof, kpu_worker *worker,
                           kpu_certify_claim *claim)
{
    for (size_t i = 0; i < proof->objectives; i++)
        if (isnan(claim->value[i]))
            return check_values(proof, worker, claim);
    return refute(claim,
                  "all these values are numbers; a candidate is closed by 'n' if one is not");
}

/* The values are those of the member's line. */
static int check_member(const kpu_certify_proof *proof, kpu_worker *worker,
                        kpu_certify_claim *claim)
{
    if (claim->member < 0) {
        kpu_point point;
        kpu_certify_box_point(proof->space, &claim->box, 0, &point);
        return refute(claim, "candidate %" PRId64 " is no member", point.index);
    }
    memcpy(claim->value, proof->members[claim->member].value, sizeof claim->value);
    return check_values(proof, worker, claim);
}

const kpu_certify_closing kpu_certify_closings[KPU_CERTIFY_CLOSINGS] = {
    [KPU_CERTIFY_EMPTY] = {"i", false, false, false, false, check_empty},
    [KPU_CERTIFY_RULED_OUT] = {"d", true, true, false, false, check_ruled_out},
    [KPU_CERTIFY_MEMBER] = {"p", false, false, true, false, check_member},
    [KPU_CERTIFY_SIMULATED] = {"e", true, true, true, false, check_simulated},
    [KPU_CERTIFY_NO_NUMBER] = {"n", false, true, true, true, check_no_number},
};
