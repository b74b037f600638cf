/* A results file of ours of which one byte is changed, or of which the end is missing, is refused
 * or reads as what it was: never as something else. test_damage [STRIDE]   looks at each STRIDE-th
 * byte; 1: at all of them */
#include "fuzz/survival.h"
#include "unit/store_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>

enum { ROWS_MAX = 8192, TABLE_ROWS = 3, TABLE_COLUMNS = 3 };

static const kpu_column table_columns[] = {
    {.group = "machines", .name = "name", .type = KPU_COLUMN_STRING},
    {.group = "machines", .name = "l2.banks", .unit = "bank", .description = "of L2"},
    {.group = "machines", .name = "clock", .unit = "GHz", .type = KPU_COLUMN_DOUBLE},
};
static const char *const cells[] = {"edge", "8", "0.5", "large", "64", "2.25", "third", "7", "1"};
static const char sweep[] = "[sweep]\nname = damaged\n[space]\nTM = 16, 32\n";
static const char *const attributes[][2] = {
    {"format", "kpu-dse results"}, {"search", "exhaustive"}, {"points", "4100"}};
enum { ATTRIBUTES = sizeof attributes / sizeof *attributes };

static int64_t stride = 41, rows = 40;

static void write_all(const char *name)
{
    kpu_store *store = NULL;
    CU_ASSERT_EQUAL_FATAL(kpu_store_create(in_folder(name), true, columns, COLUMNS, &store, NULL),
                          KPU_OK);
    int status =
        kpu_store_write_table(store, table_columns, TABLE_COLUMNS, cells, TABLE_ROWS, NULL);
    for (size_t i = 1; !status && i < ATTRIBUTES; i++)
        status = kpu_store_write_attribute(store, attributes[i][0], attributes[i][1], NULL);
    if (!status)
        status = kpu_store_write_text(store, "sweep", sweep, NULL);
    if (!status)
        status = append_rows(store, 0, rows, NULL);
    CU_ASSERT_EQUAL(status, KPU_OK);
    CU_ASSERT_EQUAL(kpu_store_finish(store, NULL), KPU_OK);
}

/* ---- Whether what is read is what was written --------------------------------------------- */

/* Takes `text`. NULL is an answer: it cannot be read. */
static bool is_wrong_text(char *text, const char *expected)
{
    bool wrong = text && strcmp(text, expected ? expected : "") != 0;
    free(text);
    return wrong;
}

static bool is_wrong_column(const kpu_column *column, size_t c)
{
    bool same = strcmp(column->group, columns[c].group) == 0 &&
                strcmp(column->name, columns[c].name) == 0 &&
                strcmp(column->unit, columns[c].unit) == 0 &&
                strcmp(column->description, columns[c].description) == 0 &&
                column->type == columns[c].type && column->sense == columns[c].sense &&
                column->word_count == columns[c].word_count;
    for (size_t i = 0; same && i < columns[c].word_count; i++)
        same = strcmp(column->words[i], columns[c].words[i]) == 0;
    return !same;
}

static bool are_values_wrong(kpu_results *results, size_t c, bool *refused)
{
    static kpu_metric_value values[ROWS_MAX];
    kpu_metric_value row[COLUMNS];
    kpu_diag diag = {0};
    int status = kpu_results_read(results, c, 0, rows, values, &diag);
    bool wrong = (status == KPU_OK) != (diag.count == 0);
    for (int64_t n = 0; !status && !wrong && n < rows; n++) {
        make_row(n, row);
        wrong = !same_value(&values[n], &row[c], c);
    }
    *refused = *refused || status;
    kpu_diag_fini(&diag);
    return wrong;
}

static const char *find_wrong(kpu_results *results, bool *refused)
{
    if (kpu_results_rows(results) != rows || kpu_results_column_count(results) != COLUMNS ||
        !kpu_results_complete(results))
        return "rows or columns";
    for (size_t c = 0; c < COLUMNS; c++) {
        if (is_wrong_column(kpu_results_column(results, c), c))
            return "what a column is";
        if (are_values_wrong(results, c, refused))
            return "values of a column";
    }
    for (size_t i = 0; i < ATTRIBUTES; i++)
        if (is_wrong_text(kpu_results_attribute(results, attributes[i][0]), attributes[i][1]))
            return "an attribute";
    for (size_t i = 0; i < TABLE_ROWS * TABLE_COLUMNS; i++)
        if (is_wrong_text(kpu_results_cell(results, "machines",
                                           table_columns[i % TABLE_COLUMNS].name,
                                           (int64_t)(i / TABLE_COLUMNS)),
                          cells[i]))
            return "a cell of a table";
    return is_wrong_text(kpu_results_text(results, "sweep"), sweep) ? "a text" : NULL;
}

enum outcome { AS_BEFORE, REFUSED, WRONG, OUTCOMES };

typedef struct tally {
    int64_t of[OUTCOMES], crashes;
} tally;

/* In a child, as HDF5 does not survive everything. */
static enum outcome look(const char *name, int64_t offset, unsigned change)
{
    kpu_results *results = NULL;
    kpu_diag diag = {0};
    bool refused = kpu_results_open(in_folder(name), &results, &diag) != KPU_OK;
    const char *wrong = refused != (diag.count > 0) ? "no complaint" : NULL;
    if (results)
        wrong = find_wrong(results, &refused);
    if (wrong)
        fprintf(stderr, "byte %lld, changed by 0x%02X: %s\n", (long long)offset, change, wrong);
    kpu_results_close(results);
    kpu_diag_fini(&diag);
    return wrong ? WRONG : refused ? REFUSED : AS_BEFORE;
}

static void look_safely(const char *name, tally *t, int64_t offset, unsigned change)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        catch_faults();
        _exit((int)look(name, offset, change));
    }
    CU_ASSERT_EQUAL_FATAL(waitpid(child, &status, 0), child);
    CU_ASSERT_FATAL(WIFEXITED(status));
    CU_ASSERT_NOT_EQUAL(WEXITSTATUS(status), EXIT_OF_OURS);
    if (WEXITSTATUS(status) < OUTCOMES)
        t->of[WEXITSTATUS(status)]++;
    else
        t->crashes++;
}

static void report(const char *what, const tally *t)
{
    printf("%s: %lld refused, %lld read as before, %lld wrong, %lld that HDF5 did not survive ",
           what, (long long)t->of[REFUSED], (long long)t->of[AS_BEFORE], (long long)t->of[WRONG],
           (long long)t->crashes);
    CU_ASSERT_EQUAL(t->of[WRONG], 0);
    CU_ASSERT(t->of[REFUSED] > 0);
}

/* ---- Damages ------------------------------------------------------------------------------ */

static void test_changed_bytes(void)
{
    tally t = {0};
    struct stat st;
    write_all("damaged.h5");
    int fd = open(in_folder("damaged.h5"), O_RDWR);
    CU_ASSERT_FATAL(fd >= 0 && fstat(fd, &st) == 0);
    for (int64_t at = 0; at < st.st_size; at += stride) {
        const unsigned changes[] = {1u << kpu_random_u64(1, 2, (uint64_t)at) % 8, 0xFF};
        unsigned char byte, changed;
        CU_ASSERT_EQUAL_FATAL(pread(fd, &byte, 1, at), 1);
        for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
            changed = (unsigned char)(byte ^ changes[i]);
            CU_ASSERT_EQUAL_FATAL(pwrite(fd, &changed, 1, at), 1);
            look_safely("damaged.h5", &t, at, changes[i]);
        }
        CU_ASSERT_EQUAL_FATAL(pwrite(fd, &byte, 1, at), 1);
    }
    close(fd);
    report("changed bytes", &t);
    empty_folder();
}

static void test_cut_off(void)
{
    tally t = {0};
    struct stat st;
    write_all("cut.h5");
    CU_ASSERT_EQUAL_FATAL(stat(in_folder("cut.h5"), &st), 0);
    for (int64_t left = st.st_size - 1; left >= 0; left -= stride) {
        CU_ASSERT_EQUAL_FATAL(truncate(in_folder("cut.h5"), left), 0);
        look_safely("cut.h5", &t, left, 0);
    }
    report("cut off", &t);
    CU_ASSERT_EQUAL(t.of[AS_BEFORE], 0);
    empty_folder();
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"changed bytes", test_changed_bytes},
        {"cut off", test_cut_off},
        CU_TEST_INFO_NULL,
    };
    if (argc == 3) {
        stride = atoi(argv[1]);
        rows = atoi(argv[2]);
    }
    return stride > 0 && rows > 0 && rows <= ROWS_MAX ? run_tests_in_folder("damage", tests) : 2;
}
