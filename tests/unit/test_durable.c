/* kpu/store.h: what was committed is there whatever happens, what was not is not; going on gives
 * the file of an undisturbed run; readers see one commit. */
#include "durable_fixture.h"

#include <sys/resource.h>

/* ---- Going on --------------------------------------------------------------------------- */

/* In pieces that end before, at and after the end of a chunk. */
static void test_pieces_make_the_same_file(void)
{
    static const int64_t pieces[] = {0, 1, 100, 3994, 1, 1, 4095, 4097, 5000};
    kpu_store *store = create("pieces.h5", false);
    int64_t rows = 0;
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        append(store, pieces[i]);
        rows += pieces[i];
        commit(store);
        suspend(store);
        expect_state("pieces.h5", false, rows, false);
        kpu_results *results = open_results(partial_of("pieces.h5"), rows);
        CU_ASSERT_FALSE(kpu_results_complete(results));
        kpu_results_close(results);
        store = resume("pieces.h5", rows);
    }
    finish(store);
    expect_state("pieces.h5", true, -1, false);
    expect_finished("pieces.h5", rows);
    empty_folder();
}

static void write_and_die(void)
{
    kpu_store *store = create("killed.h5", false);
    append(store, 5000);
    commit(store);
    append(store, 9000);
    kpu_store_set_number(store, "points", 14000);
}

static void go_on_and_die(void)
{
    kpu_store *store = resume("killed.h5", 5000);
    append(store, 1000);
    commit(store);
    commit(store);
    append(store, 5000);
}

static void test_a_kill_leaves_the_last_commit(void)
{
    int64_t points = 0;
    in_child_that_is_killed(write_and_die);
    expect_state("killed.h5", false, 5000, false);
    in_child_that_is_killed(go_on_and_die);
    kpu_results *results = open_results(partial_of("killed.h5"), 6000);
    CU_ASSERT_TRUE(kpu_results_number(results, "points", &points));
    CU_ASSERT_EQUAL(points, 6000);
    CU_ASSERT_FALSE(kpu_results_number(results, "evaluations", &points));
    kpu_results_close(results);
    kpu_store *store = resume("killed.h5", 6000);
    CU_ASSERT_TRUE(kpu_store_get_number(store, "points", &points));
    CU_ASSERT_EQUAL(points, 6000);
    CU_ASSERT_FALSE(kpu_store_get_number(store, "evaluations", &points));
    append(store, 3000);
    finish(store);
    expect_finished("killed.h5", 9000);
    empty_folder();
}

static void create_and_die(void)
{
    append(create("early.h5", false), 5000);
}

static void test_before_the_first_commit_there_is_nothing(void)
{
    kpu_diag diag = {0};
    kpu_store *store = NULL;
    kpu_results *results = NULL;
    in_child_that_is_killed(create_and_die);
    expect_state("early.h5", false, -1, false);
    CU_ASSERT_EQUAL(kpu_results_open(partial_of("early.h5"), &results, &diag), KPU_E_INPUT);
    expect_complaint(&diag, "has written no results yet");
    CU_ASSERT_EQUAL(kpu_store_resume(in_folder("early.h5"), columns, COLUMNS, &store, &diag),
                    KPU_E_INPUT);
    expect_complaint(&diag, "no unfinished run");
    store = create("early.h5", false); /* without force: nothing is lost */
    append(store, 10);
    finish(store);
    expect_finished("early.h5", 10);
    CU_ASSERT_EQUAL(kpu_store_resume(in_folder("nothing.h5"), columns, COLUMNS, &store, &diag),
                    KPU_E_INPUT);
    expect_complaint(&diag, "no unfinished run");
    CU_ASSERT_EQUAL(count_files(), 1);
    empty_folder();
}

static void test_other_columns_do_not_go_on(void)
{
    kpu_diag diag = {0};
    kpu_store *store = create("columns.h5", false);
    kpu_column others[COLUMNS];
    append(store, 10);
    suspend(store);
    memcpy(others, columns, sizeof others);
    CU_ASSERT_EQUAL(kpu_store_resume(in_folder("columns.h5"), others, COLUMNS - 1, &store, &diag),
                    KPU_E_INPUT);
    expect_complaint(&diag, "it has 4 columns, this run 3");
    others[2].unit = "s";
    CU_ASSERT_EQUAL(kpu_store_resume(in_folder("columns.h5"), others, COLUMNS, &store, &diag),
                    KPU_E_INPUT);
    expect_complaint(&diag, "column 'metrics/cycles' is not what it is now");
    others[2].name = "seconds";
    CU_ASSERT_EQUAL(kpu_store_resume(in_folder("columns.h5"), others, COLUMNS, &store, &diag),
                    KPU_E_INPUT);
    expect_complaint(&diag, "column 'metrics/seconds' is no dataset");
    finish(resume("columns.h5", 10));
    expect_finished("columns.h5", 10);
    empty_folder();
}

static void test_texts_are_there_and_written_again(void)
{
    static const kpu_column table[] = {
        {.group = "machines", .name = "name", .type = KPU_COLUMN_STRING},
        {.group = "machines", .name = "dram.channels"}};
    static const char *const cells[] = {"edge", "4"}, *const longer[] = {"workstation", "8"};
    kpu_diag diag = {0};
    kpu_store *store = create("texts.h5", false);
    CU_ASSERT_EQUAL(kpu_store_write_text(store, "files/a.ini", "[dram]\n", &diag), KPU_OK);
    CU_ASSERT_EQUAL(kpu_store_write_text(store, "seed", "1", &diag), KPU_OK);
    CU_ASSERT_EQUAL(kpu_store_write_attribute(store, "evaluations", "12", &diag), KPU_OK);
    CU_ASSERT_EQUAL(kpu_store_write_table(store, table, 2, cells, 1, &diag), KPU_OK);
    suspend(store);
    store = resume("texts.h5", 0);
    char *text = kpu_store_text(store, "files/a.ini");
    CU_ASSERT_STRING_EQUAL(text, "[dram]\n");
    free(text);
    CU_ASSERT_PTR_NULL(kpu_store_text(store, "files"));
    CU_ASSERT_PTR_NULL(kpu_store_text(store, "identity"));
    CU_ASSERT_EQUAL(kpu_store_write_text(store, "seed", "4711", &diag), KPU_OK);
    CU_ASSERT_EQUAL(kpu_store_write_text(store, "files/a.ini", "[core]\n", &diag), KPU_OK);
    CU_ASSERT_EQUAL(kpu_store_write_attribute(store, "evaluations", "12345", &diag), KPU_OK);
    CU_ASSERT_EQUAL(kpu_store_write_table(store, table, 2, longer, 1, &diag), KPU_OK);
    finish(store);
    kpu_results *results = open_results(in_folder("texts.h5"), 0);
    text = kpu_results_text(results, "seed");
    CU_ASSERT_STRING_EQUAL(text, "4711");
    free(text);
    text = kpu_results_text(results, "files/a.ini");
    CU_ASSERT_STRING_EQUAL(text, "[core]\n");
    free(text);
    text = kpu_results_attribute(results, "evaluations");
    CU_ASSERT_STRING_EQUAL(text, "12345");
    free(text);
    text = kpu_results_cell(results, "machines", "name", 0);
    CU_ASSERT_STRING_EQUAL(text, "workstation");
    free(text);
    kpu_results_close(results);
    expect_quiet(&diag);
    empty_folder();
}

static void test_rows_are_read_back(void)
{
    kpu_diag diag = {0};
    kpu_metric_value values[600], row[COLUMNS];
    kpu_store *store = create("back.h5", false);
    append(store, 4500);
    commit(store);
    append(store, 4000);
    for (int64_t first = 0; first <= 8500; first += first < 8000 ? 500 : 50)
        for (size_t c = 0; c < COLUMNS; c++) {
            int64_t count = first + 600 <= 8500 ? 600 : 8500 - first, wrong = 0;
            CU_ASSERT_EQUAL(kpu_store_read(store, c, first, count, values, &diag), KPU_OK);
            for (int64_t i = 0; i < count; i++) {
                make_row(first + i, row);
                wrong += !same_value(&values[i], &row[c], c);
            }
            CU_ASSERT_EQUAL(wrong, 0);
        }
    expect_quiet(&diag);
    CU_ASSERT_EQUAL(kpu_store_read(store, 0, 8400, 101, values, NULL), KPU_E_RANGE);
    CU_ASSERT_EQUAL(kpu_store_read(store, COLUMNS, 0, 1, values, NULL), KPU_E_RANGE);
    kpu_store_abandon(store);
    CU_ASSERT_EQUAL(count_files(), 0);
}

/* ---- Two runs, and what one has left ----------------------------------------------------- */

static void test_the_second_run_refuses(void)
{
    kpu_diag diag = {0};
    kpu_store *store = create("two.h5", false), *second = NULL;
    char who[64];
    snprintf(who, sizeof who, ", process %ld, since 20", (long)getpid());
    append(store, 10);
    for (int i = 0; i < 2; i++) {
        expect_refusal("two.h5", false, "is being written by another run");
        expect_refusal("two.h5", true, who);
        CU_ASSERT_EQUAL(kpu_store_resume(in_folder("two.h5"), columns, COLUMNS, &second, &diag),
                        KPU_E_INPUT);
        expect_complaint(&diag, who);
        CU_ASSERT_EQUAL(kpu_store_drop_partial(in_folder("two.h5"), &diag), KPU_E_INPUT);
        expect_complaint(&diag, who);
        expect_state("two.h5", false, i == 0 ? -1 : 10, true);
        commit(store);
    }
    finish(store);
    expect_finished("two.h5", 10);
    empty_folder();
}

static void test_what_was_committed_goes_only_by_force(void)
{
    kpu_diag diag = {0};
    kpu_store *store = create("left.h5", false);
    append(store, 17);
    suspend(store);
    expect_refusal("left.h5", false, "has 17 rows of a run that did not end");
    expect_state("left.h5", false, 17, false);
    store = create("left.h5", true);
    expect_state("left.h5", false, -1, true);
    append(store, 5);
    suspend(store);
    expect_state("left.h5", false, 5, false);
    CU_ASSERT_EQUAL(kpu_store_drop_partial(in_folder("left.h5"), &diag), KPU_OK);
    CU_ASSERT_EQUAL(kpu_store_drop_partial(in_folder("left.h5"), &diag), KPU_OK);
    CU_ASSERT_EQUAL(count_files(), 0);
    write_file("left.h5", 5);
    store = create("left.h5", true); /* may replace, when it goes on too */
    append(store, 6);
    suspend(store);
    expect_state("left.h5", true, 6, false);
    finish(resume("left.h5", 6));
    expect_finished("left.h5", 6);
    expect_quiet(&diag);
    empty_folder();
}

static void test_no_journal_no_going_on(void)
{
    for (int lost = 0; lost < 2; lost++) {
        kpu_diag diag = {0};
        kpu_store *store = create("lost.h5", false);
        kpu_results *results = NULL;
        append(store, 17);
        commit(store);
        suspend(store);
        CU_ASSERT_EQUAL(unlink(journal_of("lost.h5", lost)), 0);
        for (int i = 0; i < 2; i++) {
            expect_refusal("lost.h5", false, "is missing; remove it, or drop it with --force");
            CU_ASSERT_EQUAL(kpu_store_resume(in_folder("lost.h5"), columns, COLUMNS, &store, &diag),
                            KPU_E_INPUT);
            expect_complaint(&diag, "is missing");
            CU_ASSERT_EQUAL(count_files(), 2);
        }
        CU_ASSERT_EQUAL(kpu_results_open(partial_of("lost.h5"), &results, &diag), KPU_E_INPUT);
        expect_complaint(&diag, "a part of its journal is missing");
        store = create("lost.h5", true);
        kpu_store_abandon(store);
        CU_ASSERT_EQUAL(count_files(), 0);
    }
}

/* A kill after the file got its name. */
static void test_sweeping_spares_what_is_worth_something(void)
{
    kpu_store *store = create("swept.h5", false);
    append(store, 17);
    kpu_store_sweep(in_folder("swept.h5")); /* somebody writes */
    suspend(store);
    kpu_store_sweep(in_folder("swept.h5"));
    expect_state("swept.h5", false, 17, false);
    char name[sizeof path];
    snprintf(name, sizeof name, "%s", in_folder("swept.h5"));
    CU_ASSERT_EQUAL(link(partial_of("swept.h5"), name), 0); /* both names, of a finished one */
    kpu_store_sweep(name);
    CU_ASSERT_EQUAL(count_files(), 1);
    close(open(journal_of("swept.h5", 0), O_CREAT | O_WRONLY, 0666));
    close(open(journal_of("swept.h5", 1), O_CREAT | O_WRONLY, 0666));
    kpu_store_sweep(name);
    kpu_store_sweep(name);
    CU_ASSERT_EQUAL(count_files(), 1);
    empty_folder();
}

static void test_a_newcomer_waits_for_its_owner(void)
{
    kpu_diag diag = {0};
    kpu_store *store = create("new.h5", false);
    append(store, 5000);
    close(open(in_folder("new.h5"), O_CREAT | O_WRONLY, 0666));
    CU_ASSERT_EQUAL(kpu_store_finish(store, &diag), KPU_E_IO);
    expect_complaint(&diag, "kept as");
    expect_state("new.h5", true, 5000, false);
    CU_ASSERT_EQUAL(kpu_store_resume(in_folder("new.h5"), columns, COLUMNS, &store, &diag),
                    KPU_E_INPUT);
    expect_complaint(&diag, "exists already");
    unlink(in_folder("new.h5"));
    kpu_results *results = open_results(partial_of("new.h5"), 5000);
    CU_ASSERT_TRUE(kpu_results_complete(results));
    kpu_results_close(results);
    finish(resume("new.h5", 5000));
    expect_finished("new.h5", 5000);
    empty_folder();
}

/* ---- Readers ---------------------------------------------------------------------------- */

/* The file alone, as other programs see it. */
static void expect_bare(const char *name, int64_t rows)
{
    char command[3 * sizeof path];
    snprintf(command, sizeof command, "cp '%s' '%s/bare.h5'", partial_of(name), folder);
    CU_ASSERT_EQUAL(system(command), 0);
    kpu_results_close(open_results(in_folder("bare.h5"), rows));
    unlink(in_folder("bare.h5"));
}

static void test_a_reader_sees_one_commit(void)
{
    int64_t points = 0;
    kpu_store *store = create("read.h5", false);
    append(store, 100);
    commit(store);
    kpu_results *first = open_results(partial_of("read.h5"), 100);
    append(store, 5000);
    commit(store);
    expect_rows(first, 100);
    expect_bare("read.h5", 100); /* nothing was changed in the file as long as it is read */
    kpu_results *second = open_results(partial_of("read.h5"), 5100);
    CU_ASSERT_TRUE(kpu_results_number(second, "points", &points));
    CU_ASSERT_EQUAL(points, 5100);
    append(store, 5000);
    commit(store);
    expect_rows(first, 100);
    expect_rows(second, 5100);
    kpu_results_close(first);
    append(store, 100); /* not committed */
    expect_bare("read.h5", 100);
    kpu_results_close(second);
    usleep(2000);
    append(store, 1); /* makes up for it */
    expect_bare("read.h5", 10100);
    kpu_results_close(open_results(partial_of("read.h5"), 10100));
    commit(store);
    expect_bare("read.h5", 10201);
    finish(store);
    expect_finished("read.h5", 10201);
    empty_folder();
}

static void test_a_reader_keeps_its_file(void)
{
    kpu_store *store = create("keep.h5", false);
    append(store, 5000);
    commit(store);
    kpu_results *results = open_results(partial_of("keep.h5"), 5000);
    append(store, 5000);
    suspend(store);
    expect_bare("keep.h5", 5000);
    store = resume("keep.h5", 10000);
    append(store, 5000);
    finish(store);
    expect_rows(results, 5000);
    expect_finished("keep.h5", 15000);
    kpu_results_close(results);
    empty_folder();
}

/* ---- What the world does ---------------------------------------------------------------- */

static void test_files_that_go_away_are_missed(void)
{
    for (int which = 0; which < 3; which++) {
        kpu_diag diag = {0};
        kpu_store *store = create("away.h5", false);
        append(store, 100);
        commit(store);
        unlink(which == 2 ? partial_of("away.h5") : journal_of("away.h5", which));
        append(store, 100);
        CU_ASSERT_EQUAL(kpu_store_commit(store, &diag), KPU_E_IO);
        expect_complaint(&diag, "was removed or replaced during the run");
        CU_ASSERT_EQUAL(kpu_store_commit(store, &diag), KPU_E_IO);
        CU_ASSERT_EQUAL(kpu_store_suspend(store, &diag), KPU_OK);
        expect_quiet(&diag); /* once is enough */
        empty_folder();
    }
}

static int64_t limit_bytes;

/* Until it is full; then 0 if all went as it should. */
static int write_until_full(void)
{
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {(rlim_t)limit_bytes, (rlim_t)limit_bytes};
    setrlimit(RLIMIT_FSIZE, &limit);
    kpu_diag diag = {0};
    kpu_store *store = NULL;
    kpu_store_state state;
    kpu_store_probe(in_folder("full.h5"), &state);
    int code = state.is_partial
                   ? kpu_store_resume(in_folder("full.h5"), columns, COLUMNS, &store, &diag)
                   : kpu_store_create(in_folder("full.h5"), false, columns, COLUMNS, &store, &diag);
    while (code == KPU_OK && kpu_store_rows(store) < 20000) {
        code = append_rows(store, kpu_store_rows(store), 500, &diag);
        if (code == KPU_OK)
            code = kpu_store_commit(store, &diag);
    }
    bool told = diag.count == 1 && strstr(diag.entries[0].message, "File too large");
    int end = store ? kpu_store_suspend(store, &diag) : KPU_OK;
    bool once = diag.count == 1;
    kpu_diag_fini(&diag);
    return code == KPU_E_IO && told && once && end == KPU_OK ? 0 : 1;
}

/* More and more room, from "not even a commit". */
static void test_a_full_disk_can_be_gone_on_from(void)
{
    int64_t before = 0;
    for (limit_bytes = 3000; limit_bytes < 300000; limit_bytes += 11000) {
        int status = -1;
        fflush(NULL);
        pid_t child = fork();
        if (child == 0)
            exit(write_until_full()); /* through HDF5's own atexit, which must survive too */
        CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
        CU_ASSERT_EQUAL(status, 0);
        kpu_store_state state;
        kpu_store_probe(in_folder("full.h5"), &state);
        CU_ASSERT(state.rows >= before);
        before = state.rows;
        if (state.is_partial)
            kpu_results_close(open_results(partial_of("full.h5"), state.rows));
    }
    CU_ASSERT(before > 4096);
    kpu_store *store = resume("full.h5", before);
    append(store, 20000 - before);
    finish(store);
    expect_finished("full.h5", 20000);
    empty_folder();
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"pieces make the same file", test_pieces_make_the_same_file},
        {"a kill leaves the last commit", test_a_kill_leaves_the_last_commit},
        {"nothing before the first commit", test_before_the_first_commit_there_is_nothing},
        {"other columns", test_other_columns_do_not_go_on},
        {"texts", test_texts_are_there_and_written_again},
        {"rows are read back", test_rows_are_read_back},
        {"the second run refuses", test_the_second_run_refuses},
        {"only by force", test_what_was_committed_goes_only_by_force},
        {"no journal", test_no_journal_no_going_on},
        {"sweeping", test_sweeping_spares_what_is_worth_something},
        {"a newcomer", test_a_newcomer_waits_for_its_owner},
        {"a reader sees one commit", test_a_reader_sees_one_commit},
        {"a reader keeps its file", test_a_reader_keeps_its_file},
        {"files that go away", test_files_that_go_away_are_missed},
        {"full disk", test_a_full_disk_can_be_gone_on_from},
        CU_TEST_INFO_NULL,
    };
    return run_tests_in_folder("durable", tests);
}
