/* kpu-dse check: reads files as the other commands would, and says what is wrong with them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kpu/explorer.h"
#include "tools/command.h"
#include "tools/complaints.h"

static int check_machine(kpu_ini *ini, kpu_diag *diag)
{
    kpu_machine machine;
    int status = kpu_machine_from_ini(ini, &machine, diag);
    if (!status)
        printf("%s: OK, machine %s\n", ini->path, machine.name);
    return status;
}

static int check_sweep(kpu_ini *ini, kpu_diag *diag)
{
    kpu_space *space = NULL;
    int status = kpu_space_make(ini, &space, diag);
    if (!status)
        printf("%s: OK, sweep of %lld points\n", ini->path, (long long)kpu_space_raw_size(space));
    kpu_space_free(space);
    return status;
}

static int check_csv(const char *path, kpu_diag *diag)
{
    const kpu_key *key = kpu_key_find(KPU_FILE_SWEEP, "workload", "element_types");
    kpu_element_types types;
    kpu_workload workload = {0};
    int status = kpu_element_types_parse(key->fallback, NULL, &types, diag);
    if (!status)
        status = kpu_workload_read_csv(path, &types, &workload, diag);
    if (!status)
        printf("%s: OK, workload of %zu GEMMs\n", path, workload.gemm_count);
    kpu_workload_fini(&workload);
    return status;
}

static int check_ini(const char *path, kpu_diag *diag)
{
    char *text = NULL;
    size_t bytes = 0;
    kpu_ini ini = {0};
    int status = kpu_text_read(path, &text, &bytes, diag);
    if (status)
        return status;
    kpu_key_file kind = kpu_ini_detect(text, bytes);
    status = kpu_ini_parse(path, text, bytes, kind, &ini, diag);
    if (status)
        kpu_tool_complain_further(&ini, diag);
    else
        status = kind == KPU_FILE_MACHINE ? check_machine(&ini, diag) : check_sweep(&ini, diag);
    kpu_ini_fini(&ini);
    free(text);
    return status;
}

static int run(const kpu_call *call)
{
    static const char csv[] = ".csv";
    int status = KPU_OK;
    for (int i = 0; i < call->operand_count; i++) {
        const char *path = call->operands[i];
        size_t length = strlen(path);
        bool is_csv = length >= strlen(csv) && strcmp(path + length - strlen(csv), csv) == 0;
        int result = is_csv ? check_csv(path, call->diag) : check_ini(path, call->diag);
        status = result ? result : status;
    }
    return status;
}

const kpu_tool_command kpu_command_check = {
    .name = "check",
    .operands = "FILE...",
    .min_operands = 1,
    .max_operands = 1 << 20,
    .summary = "check machine files, sweep files and workloads (.csv)",
    .details = "Prints OK for a good file, and every mistake of a bad one.\n",
    .run = run,
};
