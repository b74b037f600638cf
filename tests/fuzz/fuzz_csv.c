/* Workloads: CSV files, lists of GEMMs in a sweep, element types. */
#include "fuzz/check.h"
#include "fuzz/fuzz.h"
#include "kpu/workload.h"

static void check_workload(int status, kpu_workload *workload, kpu_diag *diag)
{
    for (size_t i = 0; i < workload->gemm_count; i++)
        if (kpu_problem_validate(&workload->gemms[i].problem, NULL, NULL) ||
            workload->gemms[i].count < 1 || workload->gemms[i].name[0] == '\0')
            fail_check("a GEMM that is none");
    if ((status == KPU_OK) != (workload->gemm_count > 0))
        fail_check("no GEMM and no failure, or the other way round");
    check_complaints(status, diag);
    kpu_workload_fini(workload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = copy_text(data, size);
    const kpu_workload_source source = {"fuzz.csv", text, size};
    const kpu_place place = {"fuzz.ini", 1, 1, text};
    kpu_element_types types = {{4, 4, 4}, 4}, read = types;
    kpu_workload workload;
    kpu_diag diag = {0};
    int status = kpu_workload_parse_csv(&source, &types, &workload, &diag);
    check_workload(status, &workload, &diag);
    status = kpu_workload_parse_inline(text, &place, &types, &workload, &diag);
    check_workload(status, &workload, &diag);
    status = kpu_element_types_parse(text, &place, &read, &diag);
    check_complaints(status, &diag);
    free(text);
    return 0;
}
