/* Which file is for which tensor, and what must not be written over. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/loader/loader.h"
#include "tools/machine_files.h"
#include "tools/output.h"

/* ---- Which file is for which tensor ------------------------------------------------------- */

static int find_tensor(const loader_job *job, const char *option, const char *name, size_t *out)
{
    const kpu_dfx *program = job->binding->program;
    const char **names = calloc(program->tensor_count + 1, sizeof *names);
    if (!names)
        return loader_no_memory(job->diag);
    *out = program->tensor_count;
    for (size_t t = 0; t < program->tensor_count; t++) {
        names[t] = program->tensors[t].name;
        *out = strcmp(names[t], name) == 0 ? t : *out;
    }
    int status = KPU_OK;
    if (*out == program->tensor_count) {
        const char *nearest = kpu_nearest_name(name, names, program->tensor_count);
        status = kpu_diag_add(job->diag, KPU_E_USAGE, "%s: %s has no tensor \"%s\"%s%s%s", option,
                              job->binding->path, name, nearest ? "; did you mean \"" : "",
                              nearest ? nearest : "", nearest ? "\"?" : "");
    }
    free(names);
    return status;
}

/* Where NAME of NAME=FILE ends: a name may have a '=' in it, and the longest tensor's counts. */
static const char *find_equals(const kpu_dfx *program, const char *pair)
{
    const char *equals = strchr(pair, '=');
    size_t longest = 0;
    for (size_t t = 0; t < program->tensor_count; t++) {
        const char *name = program->tensors[t].name;
        const size_t length = strlen(name);
        if (length > longest && strncmp(pair, name, length) == 0 && pair[length] == '=') {
            longest = length;
            equals = pair + length;
        }
    }
    return equals;
}

/* NAME=FILE */
static int parse_pair(const loader_job *job, const char *option, const char *pair, loader_file *out)
{
    const char *equals = find_equals(job->binding->program, pair);
    if (!equals || equals == pair || !equals[1])
        return kpu_diag_add(job->diag, KPU_E_USAGE, "%s: expected NAME=FILE, got \"%s\"", option,
                            pair);
    char *name = strndup(pair, (size_t)(equals - pair));
    if (!name)
        return loader_no_memory(job->diag);
    *out = (loader_file){.option = option, .path = equals + 1};
    int status = find_tensor(job, option, name, &out->tensor);
    free(name);
    return status;
}

static int parse_pairs(const loader_job *job, const char *option, const kpu_option_list *pairs,
                       loader_file **out, size_t *count)
{
    int status = KPU_OK;
    *out = calloc(pairs->count + KPU_OPERANDS, sizeof **out);
    if (!*out)
        return loader_no_memory(job->diag);
    for (size_t i = 0; i < pairs->count; i++) {
        int result = parse_pair(job, option, pairs->items[i], &(*out)[*count]);
        status = status ? status : result;
        *count += !result;
    }
    return status;
}

/* --input-a, --input-b, --output-c */
static int add_operands(const loader_job *job, loader_files *s)
{
    static const char *const options[KPU_OPERANDS] = {"--input-a", "--input-b", "--output-c"};
    const kpu_dfx *program = job->binding->program;
    for (int x = 0; x < KPU_OPERANDS; x++) {
        const char *path = job->values->operand[x];
        if (!path)
            continue;
        if (program->kernel_count != 1)
            return kpu_diag_add(job->diag, KPU_E_USAGE,
                                "%s is for programs of one kernel, this one has %zu; use %s "
                                "NAME=FILE",
                                options[x], program->kernel_count,
                                x == KPU_C ? "--output" : "--input");
        const loader_file file = {options[x], path, (size_t)program->kernels[0].tensor[x]};
        if (x == KPU_C)
            s->outputs[s->output_count++] = file;
        else
            s->inputs[s->input_count++] = file;
    }
    return KPU_OK;
}

static int read_files(const loader_job *job, loader_files *s)
{
    const loader_values *v = job->values;
    int status = parse_pairs(job, "--input", &v->inputs, &s->inputs, &s->input_count);
    int outputs = parse_pairs(job, "--output", &v->outputs, &s->outputs, &s->output_count);
    int operands = s->inputs && s->outputs ? add_operands(job, s) : KPU_E_MEMORY;
    return status ? status : outputs ? outputs : operands;
}

/* ---- Inputs: each once, and of nothing that a kernel computes ------------------------------ */

bool loader_is_from_outside(const kpu_dfx_tensor *tensor)
{
    return tensor->role == KPU_DFX_INPUT || tensor->role == KPU_DFX_CONSTANT;
}

static int check_input(const loader_job *job, const loader_files *files, size_t number)
{
    const loader_file *file = &files->inputs[number];
    const kpu_dfx_tensor *tensor = &job->binding->program->tensors[file->tensor];
    for (size_t i = 0; i < number; i++)
        if (files->inputs[i].tensor == file->tensor)
            return kpu_diag_add(job->diag, KPU_E_USAGE, "%s: tensor %s has a file already",
                                file->option, tensor->name);
    if (!loader_is_from_outside(tensor))
        return kpu_diag_add(job->diag, KPU_E_USAGE,
                            "%s: tensor %s is no input, a kernel computes it", file->option,
                            tensor->name);
    return KPU_OK;
}

/* ---- Files that would be lost -------------------------------------------------------------- */

/* The machine's file: of --machine, or of the name in the object; malloc, NULL: none is there. */
static char *find_machine(const loader_job *job)
{
    const kpu_dfx *program = job->binding->program;
    const char *name = job->values->machine;
    char *path = NULL;
    struct stat status;
    if (!name && program->kernel_count > 0)
        name = program->kernels[0].hints.machine;
    if (!name || kpu_machine_files_find(name, &path, NULL) != KPU_OK)
        return NULL;
    if (stat(path, &status) == 0)
        return path;
    free(path);
    return NULL;
}

static int check_files(const loader_job *job, const loader_files *files)
{
    enum { OTHERS = 4 };
    const size_t count = OTHERS + files->input_count + files->output_count;
    kpu_tool_file *all = calloc(count, sizeof *all);
    if (!all)
        return loader_no_memory(job->diag);
    char *machine = find_machine(job);
    size_t n = 0;
    all[n++] = (kpu_tool_file){"the object", job->binding->path, false};
    all[n++] = (kpu_tool_file){"the machine", machine, false};
    for (size_t i = 0; i < files->input_count; i++)
        all[n++] = (kpu_tool_file){files->inputs[i].option, files->inputs[i].path, false};
    for (size_t i = 0; i < files->output_count; i++)
        all[n++] = (kpu_tool_file){files->outputs[i].option, files->outputs[i].path, true};
    all[n++] = (kpu_tool_file){"--emit", job->values->emit, true};
    all[n++] = (kpu_tool_file){"--trace", job->values->trace, true};
    int status = kpu_tool_check_files(all, n, job->diag);
    free(machine);
    free(all);
    return status;
}

/* ---- The whole ----------------------------------------------------------------------------- */

int loader_find_files(const loader_job *job, loader_files *out)
{
    *out = (loader_files){0};
    int status = read_files(job, out);
    for (size_t i = 0; status != KPU_E_MEMORY && i < out->input_count; i++) {
        int result = check_input(job, out, i);
        status = status ? status : result;
    }
    return status ? status : check_files(job, out);
}

void loader_free_files(loader_files *files)
{
    free(files->inputs);
    free(files->outputs);
    *files = (loader_files){0};
}
