/* kpu/store.h: what is written is read back; nothing half-done under the final name; files of
 * others, broken files and full disks end in one clear complaint. */
#include "kpu/store.h"

#include <CUnit/Basic.h>
#include <dirent.h>
#include <fcntl.h>
#include <hdf5.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const dataflows[] = {"os", "ws", "is"};

static const kpu_column columns[] = {
    {.group = "candidates", .name = "id", .unit = "", .description = "index in the space"},
    {.group = "candidates", .name = "dataflow", .unit = "", .description = "stationary operand",
     .type = KPU_COLUMN_ENUM, .words = dataflows, .word_count = 3},
    {.group = "metrics", .name = "cycles", .unit = "cycle", .description = "of the run",
     .sense = KPU_SENSE_MIN},
    {.group = "metrics", .name = "utilisation", .unit = "1", .description = "of the fabric",
     .sense = KPU_SENSE_MAX, .type = KPU_COLUMN_DOUBLE},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

static void make_row(int64_t n, kpu_metric_value *row)
{
    row[0].i = 3 * n;
    row[1].i = n % 3;
    row[2].i = (int64_t)(kpu_random_u64(1, 2, (uint64_t)n) >> 1);
    row[3].d = n % 7 == 0 ? (double)NAN : 1.0 / (double)n;
}

static bool same_value(const kpu_metric_value *a, const kpu_metric_value *b, size_t column)
{
    if (columns[column].type == KPU_COLUMN_DOUBLE)
        return isnan(a->d) ? isnan(b->d) : a->d == b->d;
    return a->i == b->i;
}

/* ---- A folder of its own for each test ------------------------------------------------- */

static char folder[] = "/tmp/kpu-test-store-XXXXXX";
static char path[sizeof folder + 64];

static const char *in_folder(const char *name)
{
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int count_files(void)
{
    DIR *dir = opendir(folder);
    int count = 0;
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        count += entry->d_name[0] != '.';
    if (dir)
        closedir(dir);
    return count;
}

static void empty_folder(void)
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

static void expect_complaint(kpu_diag *diag, const char *part)
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

static void expect_quiet(const kpu_diag *diag)
{
    char *text = kpu_diag_render(diag);
    CU_ASSERT_EQUAL(diag->count, 0);
    if (diag->count)
        fprintf(stderr, "%s\n", text);
    free(text);
}

static int append_rows(kpu_store *store, int64_t first, int64_t count, kpu_diag *diag)
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

static void write_file(const char *name, int64_t rows)
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

static void expect_rows(kpu_results *results, int64_t rows)
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

/* ---- Writing and reading back ----------------------------------------------------------- */

static void test_rows_come_back(void)
{
    static const int64_t sizes[] = {0, 1, 4095, 4096, 4097, 10000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        kpu_diag diag = {0};
        kpu_results *results = NULL;
        write_file("rows.h5", sizes[i]);
        CU_ASSERT_EQUAL(count_files(), 1);
        CU_ASSERT_EQUAL_FATAL(kpu_results_open(in_folder("rows.h5"), &results, &diag), KPU_OK);
        CU_ASSERT_TRUE(kpu_results_complete(results));
        expect_rows(results, sizes[i]);
        kpu_results_close(results);
    }
    empty_folder();
}

static void test_columns_come_back(void)
{
    kpu_diag diag = {0};
    kpu_results *results = NULL;
    write_file("columns.h5", 10);
    CU_ASSERT_EQUAL_FATAL(kpu_results_open(in_folder("columns.h5"), &results, &diag), KPU_OK);
    CU_ASSERT_EQUAL_FATAL(kpu_results_column_count(results), COLUMNS);
    for (size_t i = 0; i < COLUMNS; i++) { /* in their order */
        const kpu_column *c = kpu_results_column(results, i);
        CU_ASSERT_STRING_EQUAL(c->group, columns[i].group);
        CU_ASSERT_STRING_EQUAL(c->name, columns[i].name);
        CU_ASSERT_STRING_EQUAL(c->unit, columns[i].unit);
        CU_ASSERT_STRING_EQUAL(c->description, columns[i].description);
        CU_ASSERT_EQUAL(c->sense, columns[i].sense);
        CU_ASSERT_EQUAL(c->type, columns[i].type);
        CU_ASSERT_EQUAL_FATAL(c->word_count, columns[i].word_count);
        for (size_t w = 0; w < c->word_count; w++)
            CU_ASSERT_STRING_EQUAL(c->words[w], columns[i].words[w]);
        CU_ASSERT_EQUAL(kpu_results_find(results, columns[i].name), (int)i);
    }
    CU_ASSERT_PTR_NULL(kpu_results_column(results, COLUMNS));
    CU_ASSERT_EQUAL(kpu_results_find(results, "cycle"), -1);
    kpu_metric_value values[4];
    CU_ASSERT_EQUAL(kpu_results_read(results, 0, 6, 4, values, &diag), KPU_OK);
    CU_ASSERT_EQUAL(values[3].i, 27);
    CU_ASSERT_EQUAL(kpu_results_read(results, 0, 7, 4, values, NULL), KPU_E_RANGE);
    CU_ASSERT_EQUAL(kpu_results_read(results, 0, -1, 1, values, NULL), KPU_E_RANGE);
    CU_ASSERT_EQUAL(kpu_results_read(results, COLUMNS, 0, 1, values, NULL), KPU_E_RANGE);
    kpu_results_close(results);
    kpu_results_close(NULL);
    empty_folder();
}

static const kpu_column machine_columns[] = {
    {.group = "machines", .name = "name", .type = KPU_COLUMN_STRING},
    {.group = "machines", .name = "dram.channels", .unit = ""},
    {.group = "machines", .name = "dma.bytes_per_cycle", .unit = "B/cycle",
     .type = KPU_COLUMN_DOUBLE},
    {.group = "machines", .name = "dataflow", .type = KPU_COLUMN_ENUM, .words = dataflows,
     .word_count = 3},
};

static void expect_cell(kpu_results *results, const char *column, int64_t row, const char *text)
{
    char *cell = kpu_results_cell(results, "machines", column, row);
    CU_ASSERT_PTR_NOT_NULL_FATAL(cell);
    CU_ASSERT_STRING_EQUAL(cell, text);
    free(cell);
}

static void expect_texts(kpu_results *results)
{
    char *text = kpu_results_text(results, "machines/edge.ini");
    CU_ASSERT_STRING_EQUAL(text, "[dram]\nchannels = 4 # \xc2\xb5\n");
    free(text);
    text = kpu_results_text(results, "/seed");
    CU_ASSERT_STRING_EQUAL(text, "");
    free(text);
    text = kpu_results_attribute(results, "model_version");
    CU_ASSERT_STRING_EQUAL(text, "1");
    free(text);
    text = kpu_results_attribute(results, "rows");
    CU_ASSERT_STRING_EQUAL(text, "0");
    free(text);
    CU_ASSERT_PTR_NULL(kpu_results_text(results, "sweep"));
    CU_ASSERT_PTR_NULL(kpu_results_text(results, "machines"));
    CU_ASSERT_PTR_NULL(kpu_results_text(results, "machines/"));
    CU_ASSERT_PTR_NULL(kpu_results_text(results, ""));
    CU_ASSERT_PTR_NULL(kpu_results_attribute(results, "nothing"));
}

static void test_tables_and_texts_come_back(void)
{
    static const char *const cells[] = {"edge-ai", "4", "400/3", "ws",
                                        "gr\xc3\xb6\xc3\x9f" "er", "32", "0.1", "os"};
    kpu_diag diag = {0};
    kpu_store *store = NULL;
    kpu_results *results = NULL;
    CU_ASSERT_EQUAL_FATAL(
        kpu_store_create(in_folder("tables.h5"), false, columns, COLUMNS, &store, &diag), KPU_OK);
    CU_ASSERT_EQUAL(kpu_store_write_table(store, machine_columns, 4, cells, 2, &diag), KPU_OK);
    CU_ASSERT_EQUAL(kpu_store_write_text(store, "machines/edge.ini",
                                         "[dram]\nchannels = 4 # \xc2\xb5\n", &diag), KPU_OK);
    CU_ASSERT_EQUAL(kpu_store_write_text(store, "/seed", "", &diag), KPU_OK);
    CU_ASSERT_EQUAL(kpu_store_write_attribute(store, "model_version", "1", &diag), KPU_OK);
    CU_ASSERT_EQUAL(kpu_store_finish(store, &diag), KPU_OK);
    expect_quiet(&diag);
    CU_ASSERT_EQUAL_FATAL(kpu_results_open(in_folder("tables.h5"), &results, &diag), KPU_OK);
    CU_ASSERT_EQUAL(kpu_results_table_rows(results, "machines"), 2);
    CU_ASSERT_EQUAL(kpu_results_table_rows(results, "workloads"), 0);
    CU_ASSERT_EQUAL(kpu_results_table_rows(results, "nothing"), 0);
    expect_cell(results, "name", 0, "edge-ai");
    expect_cell(results, "name", 1, "gr\xc3\xb6\xc3\x9f" "er");
    expect_cell(results, "dram.channels", 1, "32");
    expect_cell(results, "dma.bytes_per_cycle", 0, "133.33333333333334");
    expect_cell(results, "dma.bytes_per_cycle", 1, "0.1");
    expect_cell(results, "dataflow", 0, "ws");
    CU_ASSERT_PTR_NULL(kpu_results_cell(results, "machines", "name", 2));
    CU_ASSERT_PTR_NULL(kpu_results_cell(results, "machines", "name", -1));
    CU_ASSERT_PTR_NULL(kpu_results_cell(results, "machines", "colour", 0));
    expect_texts(results);
    kpu_results_close(results);
    empty_folder();
}

static void test_refuses_what_is_no_value(void)
{
    static const char *const bad_number[] = {"a", "4x", "1", "os"};
    static const char *const bad_word[] = {"a", "4", "1", "xs"};
    static const char *const *const tables[] = {bad_number, bad_word};
    kpu_diag diag = {0};
    kpu_store *store = NULL;
    for (size_t i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL_FATAL(
            kpu_store_create(in_folder("bad.h5"), false, columns, COLUMNS, &store, &diag), KPU_OK);
        CU_ASSERT_EQUAL(kpu_store_write_table(store, machine_columns, 4, tables[i], 1, &diag),
                        KPU_E_INTERNAL);
        expect_complaint(&diag, i ? "'xs' is no value" : "'4x' is no value");
        kpu_store_abandon(store);
    }
    kpu_metric_value row[COLUMNS] = {{.i = 0}, {.i = 3}, {.i = 0}, {.d = 0}};
    CU_ASSERT_EQUAL_FATAL(
        kpu_store_create(in_folder("bad.h5"), false, columns, COLUMNS, &store, &diag), KPU_OK);
    CU_ASSERT_EQUAL(kpu_store_append(store, row, 1, &diag), KPU_E_INTERNAL);
    expect_complaint(&diag, "value 3 of column 'dataflow' has no word");
    CU_ASSERT_EQUAL(kpu_store_finish(store, &diag), KPU_E_INTERNAL);
    const kpu_column twice[] = {columns[0], columns[0]};
    CU_ASSERT_EQUAL(kpu_store_create(in_folder("bad.h5"), false, twice, 2, &store, &diag),
                    KPU_E_INTERNAL);
    CU_ASSERT_PTR_NULL(store);
    expect_complaint(&diag, "two columns are named 'id'");
    CU_ASSERT_EQUAL(count_files(), 0);
}

/* ---- Names and folders ------------------------------------------------------------------ */

static void expect_no_create(const char *name, bool force, const char *complaint)
{
    kpu_diag diag = {0};
    kpu_store *store = NULL;
    int before = count_files();
    CU_ASSERT_EQUAL(kpu_store_create(in_folder(name), force, columns, COLUMNS, &store, &diag),
                    KPU_E_INPUT);
    CU_ASSERT_PTR_NULL(store);
    expect_complaint(&diag, complaint);
    CU_ASSERT_EQUAL(count_files(), before);
}

static void test_refuses_bad_names(void)
{
    write_file("there.h5", 5);
    expect_no_create("there.h5", false, "exists already");
    expect_no_create("nowhere/x.h5", false, "No such file or directory");
    expect_no_create("there.h5/x.h5", false, "Not a directory");
    CU_ASSERT_EQUAL(mkdir(in_folder("sub"), 0777), 0);
    expect_no_create("sub", true, "is a folder");
    expect_no_create("sub/", true, "needs a name");
    CU_ASSERT_EQUAL(mkfifo(in_folder("pipe"), 0666), 0);
    expect_no_create("pipe", true, "is no regular file");
    if (geteuid() != 0) { /* root may write anywhere */
        chmod(in_folder("sub"), 0555);
        expect_no_create("sub/x.h5", false, "Permission denied");
    }
    empty_folder();
}

static void test_force_replaces_at_the_end(void)
{
    kpu_diag diag = {0};
    kpu_store *store = NULL;
    kpu_results *results = NULL;
    write_file("out.h5", 5);
    CU_ASSERT_EQUAL_FATAL(
        kpu_store_create(in_folder("out.h5"), true, columns, COLUMNS, &store, &diag), KPU_OK);
    CU_ASSERT_EQUAL(append_rows(store, 0, 9, &diag), KPU_OK);
    CU_ASSERT_EQUAL_FATAL(kpu_results_open(in_folder("out.h5"), &results, &diag), KPU_OK);
    expect_rows(results, 5); /* still the old one */
    kpu_results_close(results);
    CU_ASSERT_EQUAL(kpu_store_finish(store, &diag), KPU_OK);
    CU_ASSERT_EQUAL_FATAL(kpu_results_open(in_folder("out.h5"), &results, &diag), KPU_OK);
    expect_rows(results, 9);
    kpu_results_close(results);
    CU_ASSERT_EQUAL(count_files(), 1);
    expect_quiet(&diag);
    empty_folder();
}

static void test_never_replaces_a_file_that_came_meanwhile(void)
{
    kpu_diag diag = {0};
    kpu_store *store = NULL;
    kpu_results *results = NULL;
    char partial[sizeof path + 32];
    CU_ASSERT_EQUAL_FATAL(
        kpu_store_create(in_folder("race.h5"), false, columns, COLUMNS, &store, &diag), KPU_OK);
    CU_ASSERT_EQUAL(append_rows(store, 0, 9, &diag), KPU_OK);
    int fd = open(in_folder("race.h5"), O_CREAT | O_WRONLY, 0666);
    CU_ASSERT_EQUAL(write(fd, "mine", 4), 4);
    close(fd);
    CU_ASSERT_EQUAL(kpu_store_finish(store, &diag), KPU_E_IO);
    expect_complaint(&diag, "kept as");
    struct stat st;
    CU_ASSERT_EQUAL(stat(in_folder("race.h5"), &st), 0);
    CU_ASSERT_EQUAL(st.st_size, 4);
    snprintf(partial, sizeof partial, "%s.partial-%ld", in_folder("race.h5"), (long)getpid());
    CU_ASSERT_EQUAL_FATAL(kpu_results_open(partial, &results, &diag), KPU_OK);
    CU_ASSERT_TRUE(kpu_results_complete(results));
    expect_rows(results, 9);
    kpu_results_close(results);
    empty_folder();
}

static void test_abandon_leaves_nothing(void)
{
    kpu_diag diag = {0};
    kpu_store *store = NULL;
    CU_ASSERT_EQUAL_FATAL(
        kpu_store_create(in_folder("gone.h5"), false, columns, COLUMNS, &store, &diag), KPU_OK);
    CU_ASSERT_EQUAL(append_rows(store, 0, 10000, &diag), KPU_OK);
    CU_ASSERT_EQUAL(count_files(), 1);
    kpu_store_abandon(store);
    kpu_store_abandon(NULL);
    CU_ASSERT_EQUAL(count_files(), 0);
}

/* ---- What the world does ---------------------------------------------------------------- */

/* In a child, so that the limit on the size of files ends with it. Exit code: what finish said. */
static int write_with_limit(rlim_t bytes, int64_t rows)
{
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {bytes, bytes};
    kpu_diag diag = {0};
    kpu_store *store = NULL;
    setrlimit(RLIMIT_FSIZE, &limit);
    int code = kpu_store_create(in_folder("full.h5"), false, columns, COLUMNS, &store, &diag);
    if (code == KPU_OK) {
        code = append_rows(store, 0, rows, &diag);
        int end = kpu_store_finish(store, &diag);
        if (code != KPU_OK && end != code)
            return 100;
        code = end;
    }
    if (code != KPU_OK && (diag.count != 1 || !strstr(diag.entries[0].message, "File too large")))
        return 101;
    kpu_diag_fini(&diag);
    return code;
}

static int exit_code_of(int (*run)(rlim_t, int64_t), rlim_t bytes, int64_t rows)
{
    int status = 0;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        exit(run(bytes, rows)); /* through HDF5's own atexit, which must survive too */
    if (child < 0 || waitpid(child, &status, 0) != child)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* From "not even the header" to "all but the last bytes". */
static void test_a_full_disk_ends_cleanly(void)
{
    write_file("whole.h5", 20000);
    struct stat st;
    CU_ASSERT_EQUAL_FATAL(stat(in_folder("whole.h5"), &st), 0);
    empty_folder();
    rlim_t whole = (rlim_t)st.st_size;
    const rlim_t limits[] = {1, 100, 2000, 5000, whole / 4, whole / 2, whole - 3000, whole - 1};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        CU_ASSERT_EQUAL(exit_code_of(write_with_limit, limits[i], 20000), KPU_E_IO);
        CU_ASSERT_EQUAL(count_files(), 0);
    }
    CU_ASSERT_EQUAL(exit_code_of(write_with_limit, 2 * whole, 20000), KPU_OK);
    CU_ASSERT_EQUAL(count_files(), 1);
    empty_folder();
}

/* Appends for ever, slowly enough to be flushed half way through a chunk. */
static void append_until_killed(void)
{
    kpu_diag diag = {0};
    kpu_store *store = NULL;
    if (kpu_store_create(in_folder("killed.h5"), false, columns, COLUMNS, &store, &diag) != KPU_OK)
        _exit(1);
    for (int64_t n = 0;; n += 500) {
        if (append_rows(store, n, 500, &diag) != KPU_OK)
            _exit(1);
        usleep(100000);
    }
}

static void test_a_killed_run_leaves_what_was_flushed(void)
{
    kpu_diag diag = {0};
    kpu_results *results = NULL;
    char partial[sizeof path + 32];
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        append_until_killed();
    usleep(2700000);
    CU_ASSERT_EQUAL(kill(child, SIGKILL), 0);
    waitpid(child, NULL, 0);
    snprintf(partial, sizeof partial, "%s.partial-%ld", in_folder("killed.h5"), (long)child);
    CU_ASSERT_EQUAL_FATAL(kpu_results_open(partial, &results, &diag), KPU_OK);
    CU_ASSERT_FALSE(kpu_results_complete(results));
    CU_ASSERT(kpu_results_rows(results) >= 1000);
    expect_rows(results, kpu_results_rows(results));
    kpu_results_close(results);
    empty_folder();
}

/* ---- Files of others -------------------------------------------------------------------- */

static void expect_no_open(const char *name, const char *complaint)
{
    kpu_diag diag = {0};
    kpu_results *results = NULL;
    CU_ASSERT_EQUAL(kpu_results_open(in_folder(name), &results, &diag), KPU_E_INPUT);
    CU_ASSERT_PTR_NULL(results);
    expect_complaint(&diag, complaint);
}

static void write_bytes(const char *name, const char *bytes, size_t count)
{
    FILE *file = fopen(in_folder(name), "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL(fwrite(bytes, 1, count, file), count);
    fclose(file);
}

static void test_refuses_what_is_no_results_file(void)
{
    expect_no_open("missing.h5", "No such file");
    CU_ASSERT_EQUAL(mkdir(in_folder("sub"), 0777), 0);
    expect_no_open("sub", "is a folder");
    CU_ASSERT_EQUAL(mkfifo(in_folder("pipe"), 0666), 0);
    expect_no_open("pipe", "is no regular file");
    write_bytes("empty.h5", "", 0);
    expect_no_open("empty.h5", "is empty");
    write_bytes("text.h5", "cycles = 4\n", 11);
    expect_no_open("text.h5", "not HDF5");
    write_bytes("junk.h5", "\x89HDF\r\n\x1a\n\x7f\xff\xff\xff junk that goes on", 30);
    expect_no_open("junk.h5", "is truncated or damaged");
    hid_t file = H5Fcreate(in_folder("other.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    H5Fclose(file);
    expect_no_open("other.h5", "no results file of kpu-dse");
    empty_folder();
}

static void test_refuses_truncated_files(void)
{
    write_file("cut.h5", 9000);
    struct stat st;
    CU_ASSERT_EQUAL_FATAL(stat(in_folder("cut.h5"), &st), 0);
    for (off_t size = st.st_size - 1; size > 600; size -= st.st_size / 9) {
        CU_ASSERT_EQUAL(truncate(in_folder("cut.h5"), size), 0);
        expect_no_open("cut.h5", "is truncated or damaged");
    }
    empty_folder();
}

static void put_int(hid_t object, const char *name, int64_t value)
{
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    H5Awrite(attribute, H5T_NATIVE_INT64, &value);
    H5Aclose(attribute);
}

/* Puts a dataset of `rank` dimensions, `rows` long, where a column was. */
static void replace(hid_t file, const char *name, hid_t type, int rank, hsize_t rows)
{
    hsize_t extent[] = {rows, 1};
    H5Ldelete(file, name, H5P_DEFAULT);
    hid_t space = H5Screate_simple(rank, extent, NULL);
    hid_t dataset =
        H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Dclose(dataset);
    H5Sclose(space);
}

static void other_version(hid_t f) { put_int(f, "format_version", 2); }
static void no_version(hid_t f) { H5Adelete(f, "format_version"); }
static void negative_rows(hid_t f) { put_int(f, "rows", -1); }
static void more_rows(hid_t f) { put_int(f, "rows", 11); }
static void no_rows(hid_t f) { H5Adelete(f, "rows"); }
static void no_metrics(hid_t f) { H5Ldelete(f, "metrics", H5P_DEFAULT); }
static void shorter(hid_t f) { replace(f, "metrics/cycles", H5T_NATIVE_INT64, 1, 9); }
static void matrix(hid_t f) { replace(f, "metrics/cycles", H5T_NATIVE_INT64, 2, 10); }
static void strings(hid_t f) { replace(f, "metrics/cycles", H5T_C_S1, 1, 10); }
static void opaque(hid_t f) { replace(f, "metrics/cycles", H5T_STD_REF_OBJ, 1, 10); }
static void unsigned64(hid_t f) { replace(f, "metrics/cycles", H5T_NATIVE_UINT64, 1, 10); }
static void scalar(hid_t f) { replace(f, "metrics/cycles", H5T_NATIVE_INT64, 0, 1); }

static void group_for_column(hid_t f)
{
    H5Gclose(H5Gcreate2(f, "metrics/more", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
}

static void empty_metrics(hid_t f)
{
    no_metrics(f);
    H5Gclose(H5Gcreate2(f, "metrics", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
}

static void elsewhere(hid_t f)
{
    H5Lcreate_external("/etc/passwd", "x", f, "metrics/more", H5P_DEFAULT, H5P_DEFAULT);
}

static void odd_words(hid_t f)
{
    hid_t type = H5Tenum_create(H5T_STD_I8LE);
    const signed char seven = 7;
    H5Tenum_insert(type, "os", &seven);
    replace(f, "candidates/dataflow", type, 1, 10);
    H5Tclose(type);
}

static void wide_words(hid_t f)
{
    hid_t type = H5Tenum_create(H5T_STD_I32LE);
    const int zero = 0;
    H5Tenum_insert(type, "os", &zero);
    replace(f, "candidates/dataflow", type, 1, 10);
    H5Tclose(type);
}

static void test_refuses_altered_files(void)
{
    static const struct {
        void (*alter)(hid_t file);
        const char *complaint;
    } cases[] = {
        {other_version, "format version 2; this program reads version 1"},
        {no_version, "has no format_version"},
        {negative_rows, "does not say how many rows"},
        {no_rows, "does not say how many rows"},
        {more_rows, "has 10 rows where the file says 11"},
        {no_metrics, "has no group 'metrics'"},
        {empty_metrics, "group 'metrics' has no columns"},
        {shorter, "'metrics/cycles' has 9 rows where the file says 10"},
        {matrix, "'metrics/cycles' is no list"},
        {scalar, "'metrics/cycles' is no list"},
        {strings, "'metrics/cycles' holds strings"},
        {opaque, "'metrics/cycles' holds neither"},
        {unsigned64, "'metrics/cycles' holds neither"},
        {group_for_column, "'metrics/more' is no dataset"},
        {elsewhere, "'metrics/more' is no dataset"},
        {odd_words, "'candidates/dataflow' is an enumeration whose values"},
        {wide_words, "'candidates/dataflow' is an enumeration whose values"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_file("altered.h5", 10);
        hid_t file = H5Fopen(in_folder("altered.h5"), H5F_ACC_RDWR, H5P_DEFAULT);
        CU_ASSERT_FATAL(file >= 0);
        cases[i].alter(file);
        H5Fclose(file);
        expect_no_open("altered.h5", cases[i].complaint);
    }
    empty_folder();
}

static char *slurp(const char *name, size_t *size)
{
    FILE *file = fopen(in_folder(name), "rb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*size);
    CU_ASSERT_EQUAL(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

/* A flipped bit in the data of an incompressible column: the checksum tells. */
static void test_notices_damaged_data(void)
{
    kpu_diag diag = {0};
    kpu_results *results = NULL;
    kpu_metric_value values[8192];
    size_t size = 0;
    write_file("bits.h5", 8192);
    hid_t file = H5Fopen(in_folder("bits.h5"), H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t dataset = H5Dopen2(file, "metrics/cycles", H5P_DEFAULT);
    haddr_t address = 0;
    hsize_t stored = 0, zero = 0;
    unsigned mask = 0;
    CU_ASSERT(H5Dget_chunk_info_by_coord(dataset, &zero, &mask, &address, &stored) >= 0);
    H5Dclose(dataset);
    H5Fclose(file);
    char *bytes = slurp("bits.h5", &size);
    bytes[address + stored / 2] ^= 4;
    write_bytes("bits.h5", bytes, size);
    free(bytes);
    CU_ASSERT_EQUAL_FATAL(kpu_results_open(in_folder("bits.h5"), &results, &diag), KPU_OK);
    CU_ASSERT_EQUAL(kpu_results_read(results, 0, 0, 8192, values, &diag), KPU_OK);
    CU_ASSERT_EQUAL(kpu_results_read(results, 2, 0, 8192, values, &diag), KPU_E_INPUT);
    expect_complaint(&diag, "'metrics/cycles' is damaged");
    kpu_results_close(results);
    empty_folder();
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"rows come back", test_rows_come_back},
        {"columns come back", test_columns_come_back},
        {"tables and texts come back", test_tables_and_texts_come_back},
        {"no value", test_refuses_what_is_no_value},
        {"bad names", test_refuses_bad_names},
        {"force replaces at the end", test_force_replaces_at_the_end},
        {"never replaces a newcomer", test_never_replaces_a_file_that_came_meanwhile},
        {"abandon leaves nothing", test_abandon_leaves_nothing},
        {"full disk", test_a_full_disk_ends_cleanly},
        {"killed run", test_a_killed_run_leaves_what_was_flushed},
        {"no results file", test_refuses_what_is_no_results_file},
        {"truncated", test_refuses_truncated_files},
        {"altered", test_refuses_altered_files},
        {"damaged data", test_notices_damaged_data},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{"store", NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
    if (!mkdtemp(folder) || CU_initialize_registry() != CUE_SUCCESS ||
        CU_register_suites(suites) != CUE_SUCCESS)
        return 2;
    CU_basic_set_mode(CU_BRM_NORMAL);
    CU_basic_run_tests();
    unsigned failed = CU_get_number_of_failures();
    CU_cleanup_registry();
    empty_folder();
    rmdir(folder);
    return failed != 0;
}
