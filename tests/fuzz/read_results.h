/* Reads of a results file whatever our programs read of it. */
#ifndef KPU_TESTS_READ_RESULTS_H
#define KPU_TESTS_READ_RESULTS_H

#include "kpu/store.h"

#include "fuzz/check.h"

#include <hdf5.h>

enum { READ_ROWS = 8192, READ_BLOCKS = 4, READ_CELLS = 64 };

static inline void read_columns(kpu_results *results)
{
    kpu_metric_value *values = malloc(READ_ROWS * sizeof *values);
    const int64_t rows = kpu_results_rows(results);
    for (size_t c = 0; values && c < kpu_results_column_count(results); c++) {
        const kpu_column *column = kpu_results_column(results, c);
        kpu_diag diag = {0};
        int status = KPU_OK;
        if (kpu_results_find(results, column->name) < 0)
            fail_check("a column that is there is not found");
        for (int64_t first = 0, n = 0; !status && first < rows && n < READ_BLOCKS; n++) {
            int64_t count = rows - first < READ_ROWS ? rows - first : READ_ROWS;
            status = kpu_results_read(results, c, first, count, values, &diag);
            for (int64_t i = 0; !status && column->type == KPU_COLUMN_ENUM && i < count; i++)
                if (strlen(column->words[values[i].i]) > 255)
                    fail_check("a word of more than 255 bytes");
            first += count;
        }
        check_complaints(status, &diag);
    }
    free(values);
}

static inline void read_table(kpu_results *results, const char *table, const char *const *columns)
{
    int64_t rows = kpu_results_table_rows(results, table);
    for (int64_t row = 0; row < rows && row < READ_CELLS; row++)
        for (size_t c = 0; columns[c]; c++)
            free(kpu_results_cell(results, table, columns[c], row));
    for (size_t c = 0; columns[c]; c++)
        free(kpu_results_cell(results, table, columns[c], rows - 1));
}

static inline void read_texts(kpu_results *results)
{
    static const char *const attributes[] = {
        "format", "format_version", "library_version", "model_version", "objectives",
        "search", "budget",         "points",          "evaluations",   "gap",
        "rows",   "complete",       "shard",           "shard_block"};
    static const char *const texts[] = {
        "sweep",   "sweep_file",  "hashes", "command_line",        "seed",
        "version", "identity",    "files",  "files/0_edge-ai.ini", "files/0_default.ini",
        "/sweep",  "a/b/c/d/e/f", "",       "files/../sweep"};
    for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++)
        free(kpu_results_attribute(results, attributes[i]));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        free(kpu_results_text(results, texts[i]));
}

/* What is opened is closed, whatever the file is: of leaks within HDF5 nothing is told. */
static inline void check_handles(void)
{
    if (H5Fget_obj_count(H5F_OBJ_ALL, H5F_OBJ_ALL) != 0)
        fail_check("a handle of HDF5 is left");
}

static inline void read_everything(const char *path)
{
    static const char *const workloads[] = {"workload", "name", "M",  "N",  "K", "count",
                                            "eA",       "eB",   "eC", "eP", NULL};
    static const char *const machines[] = {
        "name", "dram.channels", "dma.bytes_per_cycle", "fabric.pipelining", "fabric.clock_ghz",
        NULL};
    kpu_diag diag = {0};
    kpu_results *results = NULL;
    int status = kpu_results_open(path, &results, &diag);
    if ((status == KPU_OK) != (results != NULL))
        fail_check("no results and no failure");
    check_complaints(status, &diag);
    if (!results) {
        check_handles();
        return;
    }
    read_columns(results);
    read_table(results, "workloads", workloads);
    read_table(results, "machines", machines);
    read_texts(results);
    kpu_results_close(results);
    check_handles();
}

#endif
