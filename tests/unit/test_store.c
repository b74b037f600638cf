/* kpu/store.h: what is written is read back; nothing half-done under the final name; a full disk or
 * a kill loses nothing that was complete. */
#include "store_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

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
    {.group = "machines",
     .name = "dma.bytes_per_cycle",
     .unit = "B/cycle",
     .type = KPU_COLUMN_DOUBLE},
    {.group = "machines",
     .name = "dataflow",
     .type = KPU_COLUMN_ENUM,
     .words = dataflows,
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
    static const char *const cells[] = {"edge-ai", "4",   "400/3", "ws", "gr\303\266\303\237er",
                                        "32",      "0.1", "os"};
    kpu_diag diag = {0};
    kpu_store *store = NULL;
    kpu_results *results = NULL;
    CU_ASSERT_EQUAL_FATAL(
        kpu_store_create(in_folder("tables.h5"), false, columns, COLUMNS, &store, &diag), KPU_OK);
    CU_ASSERT_EQUAL(kpu_store_write_table(store, machine_columns, 4, cells, 2, &diag), KPU_OK);
    CU_ASSERT_EQUAL(kpu_store_write_text(store, "machines/edge.ini",
                                         "[dram]\nchannels = 4 # \xc2\xb5\n", &diag),
                    KPU_OK);
    CU_ASSERT_EQUAL(kpu_store_write_text(store, "/seed", "", &diag), KPU_OK);
    CU_ASSERT_EQUAL(kpu_store_write_attribute(store, "model_version", "1", &diag), KPU_OK);
    CU_ASSERT_EQUAL(kpu_store_finish(store, &diag), KPU_OK);
    expect_quiet(&diag);
    CU_ASSERT_EQUAL_FATAL(kpu_results_open(in_folder("tables.h5"), &results, &diag), KPU_OK);
    CU_ASSERT_EQUAL(kpu_results_table_rows(results, "machines"), 2);
    CU_ASSERT_EQUAL(kpu_results_table_rows(results, "workloads"), 0);
    CU_ASSERT_EQUAL(kpu_results_table_rows(results, "nothing"), 0);
    expect_cell(results, "name", 0, "edge-ai");
    expect_cell(results, "name", 1,
                "gr\xc3\xb6\xc3\x9f"
                "er");
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
    snprintf(partial, sizeof partial, "%s.partial", in_folder("race.h5"));
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
    CU_ASSERT_EQUAL(count_files(), 3);
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
        if (append_rows(store, n, 500, &diag) != KPU_OK ||
            kpu_store_commit_if_due(store, &diag) != KPU_OK)
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
    snprintf(partial, sizeof partial, "%s.partial", in_folder("killed.h5"));
    CU_ASSERT_EQUAL_FATAL(kpu_results_open(partial, &results, &diag), KPU_OK);
    CU_ASSERT_FALSE(kpu_results_complete(results));
    CU_ASSERT(kpu_results_rows(results) >= 1000);
    expect_rows(results, kpu_results_rows(results));
    kpu_results_close(results);
    empty_folder();
}

/* Blocks that are dealt out in turn are one entry, however many; a short one is another. */
static void test_entries_of_a_view(void)
{
    enum { BLOCKS = 100 };
    kpu_view_piece pieces[BLOCKS];
    kpu_view_part part = {.file = "a.h5", .pieces = pieces, .piece_count = BLOCKS};
    for (int i = 0; i < BLOCKS; i++)
        pieces[i] = (kpu_view_piece){(int64_t)48 * i + 16, 16};
    CU_ASSERT_EQUAL(kpu_view_part_entries(&part), 1);
    pieces[BLOCKS - 1].count = 5;
    CU_ASSERT_EQUAL(kpu_view_part_entries(&part), 2);
    pieces[50].first += 1;
    CU_ASSERT_EQUAL(kpu_view_part_entries(&part), 4);
    part.piece_count = 0;
    CU_ASSERT_EQUAL(kpu_view_part_entries(&part), 0);
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
        {"entries of a view", test_entries_of_a_view},
        {"killed run", test_a_killed_run_leaves_what_was_flushed},
        CU_TEST_INFO_NULL,
    };
    return run_tests_in_folder("store", tests);
}
