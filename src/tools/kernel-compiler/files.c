/* Whether what is written would destroy what is read. */
#include <stdlib.h>

#include "compile.h"
#include "tools/machine_files.h"
#include "tools/output.h"

int compiler_check_files(const compiler_values *v, const char *graph, kpu_diag *diag)
{
    char results[COMPILER_PATH_SIZE], *machine = NULL;
    bool has_results = v->from && compiler_split_from(v->from, results);
    if (v->c.machine) /* one that is not there is complained about where it is read */
        (void)kpu_machine_files_find(v->c.machine, &machine, NULL);
    const kpu_tool_file files[] = {
        {"GRAPH", graph, false},         {"--from", has_results ? results : NULL, false},
        {"--machine", machine, false},   {"--output", v->output, true},
        {"--listing", v->listing, true},
    };
    int status = kpu_tool_check_files(files, sizeof files / sizeof *files, diag);
    free(machine);
    return status;
}
