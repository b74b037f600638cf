/* A small set of columns, rows made of their number, and a folder of its own: what the tests of the
 * store share. */
#ifndef KPU_TEST_STORE_FIXTURE_H
#define KPU_TEST_STORE_FIXTURE_H

#include "kpu/store.h"

#include "run_suite.h"
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const dataflows[] = {"os", "ws", "is"};

static const kpu_column columns[] = {
    {.group = "candidates", .name = "id", .unit = "", .description = "index in the space"},
    {.group = "candidates",
     .name = "dataflow",
     .unit = "",
     .description = "stationary operand",
     .type = KPU_COLUMN_ENUM,
     .words = dataflows,
     .word_count = 3},
    {.group = "metrics",
     .name = "cycles",
     .unit = "cycle",
     .description = "of the run",
     .sense = KPU_SENSE_MIN},
    {.group = "metrics",
     .name = "utilisation",
     .unit = "1",
     .description = "of the fabric",
     .sense = KPU_SENSE_MAX,
     .type = KPU_COLUMN_DOUBLE},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

static inline void make_row(int64_t n, kpu_metric_value *row)
{
    row[0].i = 3 * n;
    row[1].i = n % 3;
    row[2].i = (int64_t)(kpu_random_u64(1, 2, (uint64_t)n) >> 1);
    row[3].d = n % 7 == 0 ? (double)NAN : 1.0 / (double)n;
}

static inline bool same_value(const kpu_metric_value *a, const kpu_metric_value *b, size_t column)
{
    if (columns[column].type == KPU_COLUMN_DOUBLE)
        return isnan(a->d) ? isnan(b->d) : a->d == b->d;
    return a->i == b->i;
}

/* ---- A folder of its own for each test ------------------------------------------------- */

static char folder[] = "/tmp/kpu-test-store-XXXXXX";
static char path[sizeof folder + 64];

static inline const char *in_folder(const char *name)
{
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static inline int count_files(void)
{
    DIR *dir = opendir(folder);
    int count = 0;
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        count += entry->d_name[0] != '.';
    if (dir)
        closedir(dir);
    return count;
}

static inline void empty_folder(void)
{
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        if (entry->d_name[0] != '.') {
            char name[600];
            snprintf(name, sizeof name, "%s/%s", folder, entry->d_name);
            remove(name);
        }
    if (dir)
        closedir(dir);
}

static inline void expect_complaint(kpu_diag *diag, const char *part)
{
    CU_ASSERT_EQUAL(diag->count, 1);
    char *text = kpu_diag_render(diag);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, part));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, folder)); /* every complaint names the file */
    if (!strstr(text, part))
        fprintf(stderr, "expected '%s' in: %s\n", part, text);
    free(text);
    kpu_diag_fini(diag);
}

static inline void expect_quiet(const kpu_diag *diag)
{
    char *text = kpu_diag_render(diag);
    CU_ASSERT_EQUAL(diag->count, 0);
    if (diag->count)
        fprintf(stderr, "%s\n", text);
    free(text);
}

static inline int append_rows(kpu_store *store, int64_t first, int64_t count, kpu_diag *diag)
{
    kpu_metric_value rows[100 * COLUMNS];
    int code = KPU_OK;
    for (int64_t done = 0; code == KPU_OK && done < count;) {
        int64_t n = count - done < 100 ? count - done : 100;
        for (int64_t i = 0; i < n; i++)
            make_row(first + done + i, rows + i * COLUMNS);
        code = kpu_store_append(store, rows, (size_t)n, diag);
        done += n;
    }
    return code;
}

static inline void write_file(const char *name, int64_t rows)
{
    kpu_diag diag = {0};
    kpu_store *store = NULL;
    CU_ASSERT_EQUAL_FATAL(kpu_store_create(in_folder(name), true, columns, COLUMNS, &store, &diag),
                          KPU_OK);
    CU_ASSERT_EQUAL(append_rows(store, 0, rows, &diag), KPU_OK);
    CU_ASSERT_EQUAL(kpu_store_finish(store, &diag), KPU_OK);
    expect_quiet(&diag);
    kpu_diag_fini(&diag);
}

static inline void expect_rows(kpu_results *results, int64_t rows)
{
    CU_ASSERT_EQUAL_FATAL(kpu_results_rows(results), rows);
    kpu_metric_value *values = malloc((size_t)(rows + 1) * sizeof *values);
    CU_ASSERT_PTR_NOT_NULL_FATAL(values);
    for (size_t c = 0; c < COLUMNS; c++) {
        kpu_metric_value row[COLUMNS];
        int64_t wrong = 0;
        kpu_diag diag = {0};
        CU_ASSERT_EQUAL(kpu_results_read(results, c, 0, rows, values, &diag), KPU_OK);
        for (int64_t n = 0; n < rows; n++) {
            make_row(n, row);
            wrong += !same_value(&values[n], &row[c], c);
        }
        CU_ASSERT_EQUAL(wrong, 0);
        kpu_diag_fini(&diag);
    }
    free(values);
}

static inline int count_open_files(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int count = 0;
    while (dir && readdir(dir))
        count++;
    if (dir)
        closedir(dir);
    return count;
}

/* Runs the tests in a new folder; the exit code of the program. No file stays open. */
static inline int run_tests_in_folder(const char *name, CU_TestInfo *tests)
{
    if (!mkdtemp(folder))
        return 2;
    int before = count_open_files(), status = run_suite(name, tests);
    int left = count_open_files() - before;
    if (left > 0)
        fprintf(stderr, "%d files were left open\n", left);
    empty_folder();
    rmdir(folder);
    return left > 0 ? 1 : status;
}

#endif
