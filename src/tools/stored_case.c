#include "tools/stored_case.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/columns.h"
#include "tools/results_input.h"

static int parse_id(const char *text, int64_t *out, kpu_diag *diag)
{
    char *end;
    errno = 0;
    *out = strtoll(text, &end, 10);
    if (end == text || *end || errno || *out < 0)
        return kpu_diag_add(diag, KPU_E_USAGE, "expected the id of a candidate, got \"%s\"", text);
    return KPU_OK;
}

/* Bisection, one value read at a time; *row is -1 if it meets no such id. It need not if rows came
 * in the order of evaluation, in which ids do not ascend. */
static int bisect(kpu_results *results, size_t column, int64_t id, int64_t *row, kpu_diag *diag)
{
    int64_t low = 0, high = kpu_results_rows(results);
    *row = -1;
    while (low < high) {
        kpu_metric_value value;
        int64_t middle = low + (high - low) / 2;
        int status = kpu_results_read(results, column, middle, 1, &value, diag);
        if (status)
            return status;
        if (value.i == id) {
            *row = middle;
            return KPU_OK;
        }
        if (value.i < id)
            low = middle + 1;
        else
            high = middle;
    }
    return KPU_OK;
}

/* What a look at every id finds. */
typedef struct ids {
    int64_t row; /* of the wanted one, or -1 */
    int64_t least, most;
} ids;

static int scan(kpu_results *results, size_t column, int64_t id, ids *out, kpu_diag *diag)
{
    enum { BLOCK_ROWS = 65536 };
    kpu_metric_value *block = malloc(BLOCK_ROWS * sizeof *block);
    int64_t rows = kpu_results_rows(results);
    int status = block ? KPU_OK : KPU_E_MEMORY;
    *out = (ids){.row = -1, .least = INT64_MAX, .most = -1};
    for (int64_t first = 0; !status && first < rows && out->row < 0; first += BLOCK_ROWS) {
        int64_t count = rows - first < BLOCK_ROWS ? rows - first : BLOCK_ROWS;
        status = kpu_results_read(results, column, first, count, block, diag);
        for (int64_t i = 0; !status && i < count; i++) {
            out->row = block[i].i == id ? first + i : out->row;
            out->least = block[i].i < out->least ? block[i].i : out->least;
            out->most = block[i].i > out->most ? block[i].i : out->most;
        }
    }
    free(block);
    return status;
}

static int find_row(kpu_results *results, const char *path, int64_t id, int64_t *row,
                    kpu_diag *diag)
{
    const kpu_place place = {.file = path};
    int column = kpu_results_find(results, "id");
    ids found;
    if (column < 0)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place, "has no column id");
    int status = bisect(results, (size_t)column, id, row, diag);
    if (status || *row >= 0)
        return status;
    status = scan(results, (size_t)column, id, &found, diag);
    *row = found.row;
    if (status || *row >= 0)
        return status;
    if (found.most < 0)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place, "has no candidates");
    return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                           "has no candidate with the id %lld; its %lld ids lie in %lld .. %lld",
                           (long long)id, (long long)kpu_results_rows(results),
                           (long long)found.least, (long long)found.most);
}

static int read_machine(kpu_results *results, const char *path, int64_t row, kpu_machine *out,
                        kpu_diag *diag)
{
    const kpu_place place = {.file = path};
    kpu_ini ini = {0};
    char *text = kpu_results_cell(results, "machines", "ini", row);
    if (!text)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place, "has no machine number %lld",
                               (long long)row);
    int status = kpu_ini_parse(path, text, strlen(text), KPU_FILE_MACHINE, &ini, diag);
    if (!status)
        status = kpu_machine_from_ini(&ini, out, diag);
    kpu_ini_fini(&ini);
    free(text);
    return status;
}

static int read_problem(kpu_results *results, const char *path, int64_t row, kpu_problem *out,
                        kpu_diag *diag)
{
    const struct {
        const char *column;
        int64_t *value;
    } cells[] = {{"M", &out->dim[KPU_M]},
                 {"N", &out->dim[KPU_N]},
                 {"K", &out->dim[KPU_K]},
                 {"eA", &out->element_bytes[KPU_A]},
                 {"eB", &out->element_bytes[KPU_B]},
                 {"eC", &out->element_bytes[KPU_C]},
                 {"eP", &out->partial_bytes}};
    const kpu_place place = {.file = path};
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
        char *text = kpu_results_cell(results, "workloads", cells[i].column, row);
        if (!text)
            return kpu_diag_add_at(diag, KPU_E_INPUT, &place, "has no %s of GEMM number %lld",
                                   cells[i].column, (long long)row);
        *cells[i].value = strtoll(text, NULL, 10);
        free(text);
    }
    return kpu_problem_validate(out, &place, diag);
}

int kpu_stored_case_read(const char *path, const char *id_text, kpu_tool_case *out, kpu_diag *diag)
{
    kpu_results *results = NULL;
    kpu_point point;
    int64_t id, row = 0;
    memset(out, 0, sizeof *out);
    int status = parse_id(id_text, &id, diag);
    if (!status)
        status = kpu_tool_open_results(path, &results, diag);
    if (!status)
        status = find_row(results, path, id, &row, diag);
    if (!status)
        status = kpu_columns_read_point(results, row, &point, diag);
    if (!status)
        status = read_machine(results, path, point.machine, &out->machine, diag);
    if (!status)
        status = read_problem(results, path, point.gemm, &out->problem, diag);
    if (!status)
        out->candidate = point.candidate;
    kpu_results_close(results);
    return status;
}
