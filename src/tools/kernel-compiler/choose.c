/* A mapping for every matrix multiplication of a graph. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "compile.h"

typedef struct chooser {
    const compiler_request *request;
    const kpu_problem *problem;
    compiler_choice *out;
    kpu_diag *diag;
} chooser;

static bool same_problem(const kpu_problem *a, const kpu_problem *b)
{
    bool same = a->partial_bytes == b->partial_bytes;
    for (int d = 0; d < KPU_DIMS; d++)
        same = same && a->dim[d] == b->dim[d];
    for (int x = 0; x < KPU_OPERANDS; x++)
        same = same && a->element_bytes[x] == b->element_bytes[x] &&
               a->transposed[x] == b->transposed[x];
    return same;
}

/* ---- A given candidate ------------------------------------------------------------------- */

static int map(const chooser *c, const kpu_candidate *candidate)
{
    kpu_mapping *mapping = &c->out->mapping;
    int status = kpu_mapping_make(&c->request->machine, c->problem, candidate, mapping);
    if (status)
        return kpu_diag_add(c->diag, status, "%s", kpu_error_text(status));
    if (!mapping->broken)
        return KPU_OK;
    char text[KPU_TILING_UNFIT_TEXT];
    return kpu_diag_add(c->diag, KPU_E_INPUT, "%s",
                        kpu_tiling_unfit_text(&c->request->machine, mapping, text));
}

static int map_stored(const chooser *c)
{
    const kpu_problem *stored = &c->request->problem, *here = c->problem;
    kpu_problem compared = *stored;
    memcpy(compared.transposed, here->transposed, sizeof compared.transposed);
    if (!same_problem(&compared, here))
        return kpu_diag_add(c->diag, KPU_E_INPUT,
                            "the candidate is of another problem: %" PRId64 "x%" PRId64 "x%" PRId64
                            " with elements of %" PRId64 ", %" PRId64 ", %" PRId64
                            " and sums of %" PRId64 " bytes, here %" PRId64 "x%" PRId64 "x%" PRId64
                            " with %" PRId64 ", %" PRId64 ", %" PRId64 " and %" PRId64,
                            stored->dim[KPU_M], stored->dim[KPU_N], stored->dim[KPU_K],
                            stored->element_bytes[KPU_A], stored->element_bytes[KPU_B],
                            stored->element_bytes[KPU_C], stored->partial_bytes, here->dim[KPU_M],
                            here->dim[KPU_N], here->dim[KPU_K], here->element_bytes[KPU_A],
                            here->element_bytes[KPU_B], here->element_bytes[KPU_C],
                            here->partial_bytes);
    snprintf(c->out->why, sizeof c->out->why, "Machine and tiling as in the results file.");
    return map(c, &c->request->base);
}

static int map_any_dataflow(const chooser *c)
{
    kpu_candidate candidate = c->request->base;
    char rule[KPU_TILING_WHY_MAX + 1];
    chooser silent = *c;
    silent.diag = NULL;
    const int first = kpu_dataflow_by_rule(&c->request->machine, c->problem, rule);
    for (int i = 0; i < KPU_DATAFLOWS; i++) {
        candidate.dataflow = (first + i) % KPU_DATAFLOWS;
        if (map(&silent, &candidate) != KPU_OK)
            continue;
        if (i == 0)
            snprintf(c->out->why, sizeof c->out->why, "%s", rule);
        else
            snprintf(c->out->why, sizeof c->out->why,
                     "By rule %s, but the given tile does not fit with it; with %s it does.",
                     kpu_dataflow_names[first], kpu_dataflow_names[candidate.dataflow]);
        return KPU_OK;
    }
    candidate.dataflow = first;
    return map(c, &candidate);
}

static int map_tile(const chooser *c)
{
    if (c->request->any_dataflow)
        return map_any_dataflow(c);
    snprintf(c->out->why, sizeof c->out->why, "Dataflow and tile were given.");
    return map(c, &c->request->base);
}

/* ---- One, and all ------------------------------------------------------------------------ */

static int map_chosen(const chooser *c)
{
    kpu_tiling tiling;
    kpu_tiling_question question = c->request->question;
    question.machine = &c->request->machine;
    question.problem = c->problem;
    question.base = &c->request->base;
    question.any_dataflow = c->request->any_dataflow;
    int status = kpu_tiling_choose(c->request->strategy, &question, &tiling, c->diag);
    if (status)
        return status;
    snprintf(c->out->why, sizeof c->out->why, "%s", tiling.why);
    return map(c, &tiling.candidate);
}

static int choose_one(const chooser *c)
{
    if (c->request->has_problem)
        return map_stored(c);
    return c->request->has_tile ? map_tile(c) : map_chosen(c);
}

static const compiler_choice *find_equal(const kpu_problem *problem, const compiler_choice *choices,
                                         size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (same_problem(problem, &choices[i].mapping.problem))
            return &choices[i];
    return NULL;
}

/* Complaints with the operator that they are about. */
static void hand_on(const kpu_diag *inner, const kpu_node *node, kpu_diag *diag)
{
    for (size_t i = 0; i < inner->count; i++)
        kpu_diag_add_at(diag, inner->entries[i].code, &node->place, "operator %s: %s", node->name,
                        inner->entries[i].message);
}

int compiler_choose(const compiler_request *request, const kpu_graph *graph,
                    const kpu_matmul_list *matmuls, compiler_choice *choices, kpu_diag *diag)
{
    for (size_t i = 0; i < matmuls->count; i++) {
        const kpu_matmul *matmul = &matmuls->items[i];
        const compiler_choice *equal = find_equal(&matmul->problem, choices, i);
        if (equal) {
            choices[i] = *equal;
            continue;
        }
        kpu_diag inner;
        kpu_diag_init(&inner);
        chooser c = {request, &matmul->problem, &choices[i], &inner};
        int status = choose_one(&c);
        hand_on(&inner, &graph->nodes[matmul->node], diag);
        kpu_diag_fini(&inner);
        if (status)
            return status;
    }
    return KPU_OK;
}
