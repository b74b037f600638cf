/* The results file of a run: its tables, and where its numbers come from. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/run.h"
#include "tools/run_place.h"

enum { WORKLOAD_COLUMNS = 10 };

/* ---- /workloads ------------------------------------------------------------------------- */

#define WORKLOAD_TEXT(name, description)                                                           \
    {                                                                                              \
        "workloads", name, "", description, KPU_SENSE_NONE, KPU_COLUMN_STRING, NULL, 0             \
    }
#define WORKLOAD_INT(name, unit, description)                                                      \
    {                                                                                              \
        "workloads", name, unit, description, KPU_SENSE_NONE, KPU_COLUMN_INT64, NULL, 0            \
    }

static const kpu_column workload_columns[WORKLOAD_COLUMNS] = {
    WORKLOAD_TEXT("workload", "what the matrix product is part of"),
    WORKLOAD_TEXT("name", "name of the matrix product"),
    WORKLOAD_INT("M", "element", "rows of A and C"),
    WORKLOAD_INT("N", "element", "columns of B and C"),
    WORKLOAD_INT("K", "element", "columns of A, rows of B"),
    WORKLOAD_INT("count", "1", "how many equal ones the workload has"),
    WORKLOAD_INT("eA", "B", "size of an element of A"),
    WORKLOAD_INT("eB", "B", "size of an element of B"),
    WORKLOAD_INT("eC", "B", "size of an element of C"),
    WORKLOAD_INT("eP", "B", "size of a partial sum of C"),
};

/* Cells of a table, all owned. */
typedef struct cell_list {
    char **cells;
    size_t count, capacity;
} cell_list;

static void free_cells(cell_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->cells[i]);
    free(list->cells);
}

/* Takes the text, whose memory becomes the cell's. */
static bool add_cell(cell_list *list, kpu_text *text)
{
    if (text->failed || !text->data || list->count == list->capacity) {
        kpu_text_fini(text);
        return false;
    }
    char *cell = realloc(text->data, text->length + 1); /* there may be millions of them */
    list->cells[list->count++] = cell ? cell : text->data;
    *text = (kpu_text){0};
    return true;
}

static bool add_text(cell_list *list, const char *string)
{
    kpu_text text = {0};
    kpu_text_put(&text, string);
    return add_cell(list, &text);
}

static bool add_int(cell_list *list, int64_t value)
{
    kpu_text text = {0};
    kpu_text_put_int(&text, value);
    return add_cell(list, &text);
}

static bool add_gemm(cell_list *list, const kpu_space *space, int64_t index)
{
    const kpu_gemm *gemm = kpu_space_gemm(space, index);
    const kpu_problem *p = &gemm->problem;
    bool added =
        add_text(list, kpu_space_workload_name(space, index)) && add_text(list, gemm->name);
    for (int d = 0; d < KPU_DIMS; d++)
        added = added && add_int(list, p->dim[d]);
    added = added && add_int(list, gemm->count);
    for (int x = 0; x < KPU_OPERANDS; x++)
        added = added && add_int(list, p->element_bytes[x]);
    return added && add_int(list, p->partial_bytes);
}

static int write_workloads(kpu_store *store, const kpu_space *space, kpu_diag *diag)
{
    size_t rows = kpu_space_gemm_count(space);
    cell_list list = {.capacity = rows * WORKLOAD_COLUMNS};
    list.cells = calloc(list.capacity + 1, sizeof *list.cells);
    int status = list.cells ? KPU_OK : KPU_E_MEMORY;
    for (size_t g = 0; !status && g < rows; g++)
        status = add_gemm(&list, space, (int64_t)g) ? KPU_OK : KPU_E_MEMORY;
    if (!status)
        status = kpu_store_write_table(store, workload_columns, WORKLOAD_COLUMNS,
                                       (const char *const *)list.cells, rows, diag);
    free_cells(&list);
    return status;
}

/* ---- /machines: name, every key, and all of it as an exact INI file ------------------------ */

static const char *const pipelining_words[] = {"none", "full"}; /* KPU_PIPELINING_* */

static kpu_column machine_column(kpu_machine_field field, const char *name)
{
    const kpu_key *key = kpu_key_find(KPU_FILE_MACHINE, field.section, field.name);
    return (kpu_column){.group = "machines",
                        .name = name,
                        .unit = key->unit,
                        .description = key->help,
                        .type = field.is_integer ? KPU_COLUMN_INT64
                                : field.is_word  ? KPU_COLUMN_ENUM
                                                 : KPU_COLUMN_DOUBLE,
                        .words = field.is_word ? pipelining_words : NULL,
                        .word_count = field.is_word ? 2 : 0};
}

static bool add_machine(cell_list *list, const kpu_machine *machine)
{
    bool added = add_text(list, machine->name);
    for (size_t f = 0; added && f < kpu_machine_field_count(); f++) {
        kpu_text text = {0};
        kpu_machine_put_field(&text, machine, f);
        added = add_cell(list, &text);
    }
    kpu_text ini = {0};
    kpu_machine_put_ini(&ini, machine);
    return added && add_cell(list, &ini);
}

/* Fills columns[fields + 2]; the names are owned by `names`. */
static bool make_machine_columns(kpu_column *columns, cell_list *names)
{
    size_t fields = kpu_machine_field_count();
    columns[0] = (kpu_column){.group = "machines",
                              .name = "name",
                              .unit = "",
                              .description = "name of the machine",
                              .type = KPU_COLUMN_STRING};
    for (size_t f = 0; f < fields; f++) {
        kpu_machine_field field = kpu_machine_field_at(f);
        kpu_text name = {0};
        kpu_text_format(&name, "%s.%s", field.section, field.name);
        if (!add_cell(names, &name))
            return false;
        columns[1 + f] = machine_column(field, names->cells[f]);
    }
    columns[1 + fields] = (kpu_column){.group = "machines",
                                       .name = "ini",
                                       .unit = "",
                                       .description = "the machine as a file, every number exact",
                                       .type = KPU_COLUMN_STRING};
    return true;
}

static int write_machines(kpu_store *store, const kpu_space *space, kpu_diag *diag)
{
    size_t rows = kpu_space_machine_count(space), fields = kpu_machine_field_count();
    size_t count = fields + 2;
    cell_list list = {.capacity = rows * count}, names = {.capacity = fields};
    kpu_column *columns = calloc(count, sizeof *columns);
    list.cells = calloc(list.capacity + 1, sizeof *list.cells);
    names.cells = calloc(fields, sizeof *names.cells);
    bool made = columns && list.cells && names.cells && make_machine_columns(columns, &names);
    for (size_t m = 0; made && m < rows; m++)
        made = add_machine(&list, kpu_space_machine(space, (int64_t)m));
    int status = made ? kpu_store_write_table(store, columns, count,
                                              (const char *const *)list.cells, rows, diag)
                      : KPU_E_MEMORY;
    if (list.cells)
        free_cells(&list);
    if (names.cells)
        free_cells(&names);
    free(columns);
    return status;
}

/* ---- /provenance ------------------------------------------------------------------------ */

static int write_text(kpu_store *store, const char *name, kpu_text *text, kpu_diag *diag)
{
    int status = text->failed
                     ? KPU_E_MEMORY
                     : kpu_store_write_text(store, name, text->data ? text->data : "", diag);
    kpu_text_fini(text);
    return status;
}

static void put_hash(kpu_text *out, const char *text, const char *name)
{
    char hash[33];
    kpu_hash_hex(text, strlen(text), hash);
    kpu_text_format(out, "%s  %s\n", hash, name);
}

/* The files that were read, as files/N_name, and the hash of each. */
static int write_sources(kpu_store *store, const kpu_run *run, const char *sweep, kpu_diag *diag)
{
    kpu_text hashes = {0};
    put_hash(&hashes, sweep, "sweep");
    put_hash(&hashes, run->sweep->text ? run->sweep->text : "", run->sweep_path);
    int status = KPU_OK;
    for (size_t i = 0; !status && i < kpu_space_source_count(run->space); i++) {
        const char *path = kpu_space_source_name(run->space, i);
        const char *slash = strrchr(path, '/');
        kpu_text name = {0};
        kpu_text_format(&name, "files/%zu_%s", i, slash ? slash + 1 : path);
        put_hash(&hashes, kpu_space_source_text(run->space, i), path);
        status = name.failed ? KPU_E_MEMORY
                             : kpu_store_write_text(store, name.data,
                                                    kpu_space_source_text(run->space, i), diag);
        kpu_text_fini(&name);
    }
    int written = write_text(store, "hashes", &hashes, diag);
    return status ? status : written;
}

static int write_command_line(kpu_store *store, const kpu_call *call, kpu_diag *diag)
{
    kpu_text line = {0};
    kpu_text_put(&line, "kpu-dse");
    for (int i = 0; i < call->argc; i++)
        kpu_text_format(&line, " %s", call->argv[i]);
    return write_text(store, "command_line", &line, diag);
}

static int write_identity(kpu_store *store, const kpu_space *space, kpu_diag *diag)
{
    kpu_text identity = {0};
    int status = kpu_run_put_identity(&identity, space);
    if (status) {
        kpu_text_fini(&identity);
        return kpu_diag_add(diag, status, "out of memory");
    }
    return write_text(store, "identity", &identity, diag);
}

static int write_provenance(kpu_store *store, const kpu_run *run, kpu_diag *diag)
{
    char *sweep = kpu_ini_print(run->sweep);
    int status = sweep ? kpu_store_write_text(store, "sweep", sweep, diag) : KPU_E_MEMORY;
    if (!status)
        status = kpu_store_write_text(store, "sweep_file", run->sweep->text ? run->sweep->text : "",
                                      diag);
    if (!status)
        status = write_sources(store, run, sweep, diag);
    if (!status)
        status = write_identity(store, run->space, diag);
    if (!status)
        status = write_command_line(store, run->call, diag);
    if (!status) {
        kpu_text seed = {0};
        kpu_text_format(&seed, "%llu", (unsigned long long)kpu_space_seed(run->space));
        status = write_text(store, "seed", &seed, diag);
    }
    if (!status)
        status = kpu_store_write_text(store, "version", KPU_VERSION, diag);
    if (!status)
        status = kpu_store_write_attribute(store, "model_version", KPU_MODEL_VERSION, diag);
    free(sweep);
    return status;
}

/* What the rows are to be judged by, for a reader that is told nothing else. */
static int write_objectives(kpu_store *store, const kpu_space *space, kpu_diag *diag)
{
    kpu_text names = {0};
    for (size_t i = 0; i < kpu_space_objective_count(space); i++)
        kpu_text_format(&names, "%s%s", i ? "," : "",
                        kpu_metric_at((size_t)kpu_space_objective(space, i))->name);
    int status = names.failed ? KPU_E_MEMORY
                              : kpu_store_write_attribute(store, "objectives", names.data, diag);
    kpu_text_fini(&names);
    return status;
}

static int write_int(kpu_store *store, const char *name, int64_t value, kpu_diag *diag)
{
    kpu_text text = {0};
    kpu_text_put_int(&text, value);
    int status =
        text.failed ? KPU_E_MEMORY : kpu_store_write_attribute(store, name, text.data, diag);
    kpu_text_fini(&text);
    return status;
}

static int write_search(kpu_store *store, const kpu_space *space, kpu_diag *diag)
{
    const kpu_search_settings *settings = kpu_space_search(space);
    int status = kpu_store_write_attribute(store, "search", settings->search->name, diag);
    if (!status && settings->budget > 0)
        status = write_int(store, "budget", settings->budget, diag);
    return status ? status : write_int(store, "points", kpu_space_raw_size(space), diag);
}

void kpu_run_put_keep(kpu_text *out, kpu_keep keep)
{
    static const char *const words[] = {"all", "front", "top", "sample"}; /* kpu_keep_kind */
    kpu_text_put(out, words[keep.kind]);
    if (keep.kind == KPU_KEEP_TOP || keep.kind == KPU_KEEP_SAMPLE)
        kpu_text_format(out, " %lld", (long long)keep.count);
}

/* Which of the candidates that the search evaluated have a row. */
static int write_keep(kpu_store *store, const kpu_space *space, kpu_diag *diag)
{
    kpu_text text = {0};
    kpu_keep keep = kpu_space_keep(space);
    if (kpu_space_search(space)->search->only_fronts)
        keep.kind = KPU_KEEP_FRONT;
    kpu_run_put_keep(&text, keep);
    int status =
        text.failed ? KPU_E_MEMORY : kpu_store_write_attribute(store, "store", text.data, diag);
    kpu_text_fini(&text);
    return status;
}

int kpu_run_store_shard(kpu_store *store, const kpu_run *run, kpu_diag *diag)
{
    if (run->shard.count == 0)
        return KPU_OK;
    kpu_text text = {0};
    kpu_text_format(&text, "%lld/%lld", (long long)run->shard.index + 1,
                    (long long)run->shard.count);
    int status =
        text.failed ? KPU_E_MEMORY : kpu_store_write_attribute(store, "shard", text.data, diag);
    kpu_text_fini(&text);
    return status ? status
                  : write_int(store, "shard_block", kpu_shard_block(run->space, run->shard.count),
                              diag);
}

int kpu_run_store_outcome(kpu_store *store, const kpu_search_progress *found, kpu_diag *diag)
{
    int status = write_int(store, "evaluations", found->evaluations, diag);
    if (!status && !isnan(found->gap)) {
        kpu_text gap = {0};
        kpu_text_format(&gap, "%.17g", found->gap);
        status =
            gap.failed ? KPU_E_MEMORY : kpu_store_write_attribute(store, "gap", gap.data, diag);
        kpu_text_fini(&gap);
    }
    return status;
}

int kpu_run_create_store(const kpu_run *run, const kpu_columns *columns, kpu_store **out,
                         kpu_diag *diag)
{
    *out = NULL;
    kpu_columns stored;
    int status = kpu_place_columns(run, columns, &stored);
    if (!status)
        status = kpu_store_create(run->output, run->force, stored.column, stored.count, out, diag);
    free(stored.column);
    if (status)
        return status;
    status = write_workloads(*out, run->space, diag);
    if (!status)
        status = write_machines(*out, run->space, diag);
    if (!status)
        status = write_provenance(*out, run, diag);
    if (!status)
        status = write_objectives(*out, run->space, diag);
    if (!status)
        status = write_search(*out, run->space, diag);
    if (!status)
        status = write_keep(*out, run->space, diag);
    if (!status)
        status = kpu_run_store_shard(*out, run, diag);
    if (status) {
        kpu_store_abandon(*out);
        *out = NULL;
    }
    return status;
}
