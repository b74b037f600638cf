#include "tools/functional_check.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/matrix_file.h"

/* ---- Types ------------------------------------------------------------------------------- */

/* Of the floats, or of the integers, the one of so many bytes; -1: none. */
static int type_of(bool floats, int64_t bytes)
{
    static const int all[] = {KPU_BF16, KPU_F32, KPU_F64, KPU_I8, KPU_I16, KPU_I32, KPU_I64};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (kpu_dtype_is_float(all[i]) == floats && kpu_dtype_bytes(all[i]) == bytes)
            return all[i];
    return -1;
}

static bool choose(const kpu_problem *problem, bool floats, kpu_functional_types *out)
{
    bool good = problem->partial_bytes == 4 || problem->partial_bytes == 8;
    out->partial_dtype = type_of(floats, problem->partial_bytes);
    for (int x = 0; x < KPU_OPERANDS; x++) {
        out->dtype[x] = type_of(floats, problem->element_bytes[x]);
        good = good && out->dtype[x] >= 0;
        good = good && problem->element_bytes[x] <= problem->partial_bytes;
    }
    return good;
}

int kpu_functional_choose_types(const kpu_problem *problem, kpu_functional_types *out,
                                kpu_diag *diag)
{
    const int64_t *bytes = problem->element_bytes;
    if (choose(problem, true, out))
        return KPU_OK;
    /* i32 holds no product of wider ones. */
    bool narrow = problem->partial_bytes == 8 || (bytes[KPU_A] <= 2 && bytes[KPU_B] <= 2);
    if (narrow && choose(problem, false, out))
        return KPU_OK;
    return kpu_diag_add(diag, KPU_E_INPUT,
                        "elements of %" PRId64 ", %" PRId64 " and %" PRId64
                        " bytes with sums of %" PRId64 " are no types that can be executed",
                        bytes[KPU_A], bytes[KPU_B], bytes[KPU_C], problem->partial_bytes);
}

/* ---- Random numbers ---------------------------------------------------------------------- */

static int64_t integer_limit(const kpu_random_matrix *m)
{
    const int bits = 8 * (int)kpu_dtype_bytes(m->dtype) - (m->dtype != KPU_U8);
    const int sum_bits = 8 * (int)kpu_dtype_bytes(m->partial_dtype) - 1;
    int64_t of_sums = (int64_t)sqrt(ldexp(1, sum_bits) / (double)m->terms * 0.99);
    int64_t of_type = bits < 62 ? (INT64_C(1) << bits) - 1 : INT64_MAX;
    int64_t limit = of_sums < of_type ? of_sums : of_type;
    return limit > 0 ? limit : 1;
}

void kpu_random_matrix_fill(const kpu_random_matrix *m, void *data, int64_t count)
{
    const bool floats = kpu_dtype_is_float(m->dtype);
    const int64_t bytes = kpu_dtype_bytes(m->dtype);
    const int64_t limit = floats ? 0 : integer_limit(m), least = m->dtype == KPU_U8 ? 0 : -limit;
    for (int64_t i = 0; i < count; i++) {
        uint64_t drawn = kpu_random_u64(m->seed, m->stream, (uint64_t)i);
        const double real = ldexp((double)(int64_t)drawn, -63);
        const int64_t whole = least + (int64_t)(drawn % (uint64_t)(limit - least + 1));
        kpu_dtype_narrow(floats ? KPU_F64 : KPU_I64, floats ? (const void *)&real : &whole,
                         m->dtype, (char *)data + i * bytes, 1);
    }
}

/* ---- The check --------------------------------------------------------------------------- */

static int no_memory(kpu_diag *diag)
{
    return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
}

/* Room for an operand, filled at random but for C. */
static int make_matrix(const kpu_functional_case *c, int operand, void **out, kpu_diag *diag)
{
    static const uint8_t dims[KPU_OPERANDS][2] = {{KPU_M, KPU_K}, {KPU_K, KPU_N}, {KPU_M, KPU_N}};
    static char *const names[KPU_OPERANDS] = {"A", "B", "C"};
    const int64_t *dim = c->mapping->problem.dim;
    const kpu_dfx_tensor tensor = {.name = names[operand],
                                   .dtype = c->types.dtype[operand],
                                   .rank = 2,
                                   .shape = {dim[dims[operand][0]], dim[dims[operand][1]]}};
    const kpu_random_matrix numbers = {.dtype = c->types.dtype[operand],
                                       .partial_dtype = c->types.partial_dtype,
                                       .terms = dim[KPU_K],
                                       .seed = c->seed,
                                       .stream = (uint64_t)operand};
    int64_t bytes;
    int status = kpu_matrix_bytes(&tensor, &bytes, diag);
    if (status)
        return status;
    *out = malloc((size_t)bytes);
    if (!*out)
        return no_memory(diag);
    if (operand != KPU_C)
        kpu_random_matrix_fill(&numbers, *out, bytes / kpu_dtype_bytes(tensor.dtype));
    return KPU_OK;
}

static int execute_and_verify(const kpu_functional_case *c, const kpu_matrices *matrices,
                              kpu_gemm_verdict *out, kpu_diag *diag)
{
    kpu_schedule schedule;
    int status = kpu_schedule_make(c->machine, c->mapping, NULL, &schedule, diag);
    if (status)
        return status == KPU_E_MEMORY ? no_memory(diag) : status;
    status = kpu_schedule_check(&schedule, diag);
    if (status)
        kpu_diag_add(diag, status, "%s: its schedule is wrong", c->name);
    if (!status)
        status = kpu_execute(&schedule, matrices, diag);
    kpu_schedule_fini(&schedule);
    if (!status)
        status = kpu_gemm_verify(&c->mapping->problem, matrices, out, diag);
    if (!status)
        status = kpu_gemm_complain(out, c->name, diag);
    return status;
}

int kpu_functional_check(const kpu_functional_case *c, kpu_gemm_verdict *out, kpu_diag *diag)
{
    void *data[KPU_OPERANDS] = {NULL};
    int status = KPU_OK;
    for (int x = 0; !status && x < KPU_OPERANDS; x++)
        status = make_matrix(c, x, &data[x], diag);
    const kpu_matrices matrices = {
        .a = data[KPU_A],
        .b = data[KPU_B],
        .c = data[KPU_C],
        .dtype = {c->types.dtype[KPU_A], c->types.dtype[KPU_B], c->types.dtype[KPU_C]},
        .partial_dtype = c->types.partial_dtype};
    if (!status)
        status = execute_and_verify(c, &matrices, out, diag);
    for (int x = 0; x < KPU_OPERANDS; x++)
        free(data[x]);
    return status;
}

int kpu_functional_check_candidate(const kpu_tool_case *c, int64_t id, uint64_t seed,
                                   kpu_gemm_verdict *out, kpu_diag *diag)
{
    enum { NAME_MAX_BYTES = 48 };
    char name[NAME_MAX_BYTES];
    kpu_mapping mapping;
    snprintf(name, sizeof name, "C of candidate %" PRId64, id);
    kpu_functional_case check = {
        .machine = &c->machine, .mapping = &mapping, .seed = seed, .name = name};
    int status = kpu_mapping_make(&c->machine, &c->problem, &c->candidate, &mapping);
    if (status)
        return status;
    if (mapping.broken)
        return kpu_diag_add(diag, KPU_E_INPUT,
                            "candidate %" PRId64 " does not fit %s, so there is nothing to execute",
                            id, c->machine.name);
    status = kpu_functional_choose_types(&c->problem, &check.types, diag);
    return status ? status : kpu_functional_check(&check, out, diag);
}
