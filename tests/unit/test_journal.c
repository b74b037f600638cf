/* kpu/store.h: journals that are damaged, hostile, or another's; links; file systems without
 * locks. */
#include "durable_fixture.h"

#include <errno.h>
#include <stddef.h>
#include <sys/file.h>
#include <sys/syscall.h>

#include "store/journal.h"

enum { RECORD_AT = 4096, NAME_BYTES = 256 };

/* In place of the one of the C library, for HDF5 too: the file system has no locks. */
static int lock_error;

int flock(int fd, int operation)
{
    errno = lock_error;
    return lock_error ? -1 : (int)syscall(SYS_flock, fd, operation);
}

static void put(const char *file, off_t at, const void *bytes, size_t size)
{
    int fd = open(file, O_WRONLY | O_CREAT, 0666);
    CU_ASSERT_EQUAL(pwrite(fd, bytes, size, at), (ssize_t)size);
    close(fd);
}

static void get(const char *file, off_t at, void *bytes, size_t size)
{
    int fd = open(file, O_RDONLY);
    CU_ASSERT_EQUAL(pread(fd, bytes, size, at), (ssize_t)size);
    close(fd);
}

/* Ten of each commit; the last of an odd number of commits is in the first file. */
static void leave_rows(const char *name, int commits)
{
    kpu_store *store = create(name, false);
    for (int i = 0; i + 1 < commits; i++) {
        append(store, 10);
        commit(store);
    }
    append(store, 10);
    suspend(store);
}

static void expect_no_going_on(const char *name, const char *complaint)
{
    kpu_diag diag = {0};
    kpu_store *store = NULL;
    CU_ASSERT_EQUAL(kpu_store_resume(in_folder(name), columns, COLUMNS, &store, &diag),
                    KPU_E_INPUT);
    CU_ASSERT_PTR_NULL(store);
    expect_complaint(&diag, complaint);
}

static void expect_unreadable(const char *name, const char *complaint)
{
    kpu_diag diag = {0};
    kpu_results *results = NULL;
    CU_ASSERT_EQUAL(kpu_results_open(partial_of(name), &results, &diag), KPU_E_INPUT);
    CU_ASSERT_PTR_NULL(results);
    expect_complaint(&diag, complaint);
}

/* ---- Bytes of the caller ------------------------------------------------------------------ */

enum { BYTES = 100000 };

static void make_bytes(unsigned char seed, unsigned char *out)
{
    for (size_t i = 0; i < BYTES; i++)
        out[i] = (unsigned char)(seed + i * i);
}

static void expect_bytes(kpu_store *store, const unsigned char *bytes, size_t count)
{
    size_t found = 1;
    const void *have = kpu_store_bytes(store, &found);
    CU_ASSERT_EQUAL_FATAL(found, count);
    CU_ASSERT(count == 0 || memcmp(have, bytes, count) == 0);
}

static void test_bytes_go_with_the_rows(void)
{
    static unsigned char first[BYTES], second[BYTES];
    kpu_diag diag = {0};
    make_bytes(1, first);
    make_bytes(2, second);
    kpu_store *store = create("bytes.h5", false);
    expect_bytes(store, NULL, 0);
    append(store, 10);
    CU_ASSERT_EQUAL(kpu_store_set_bytes(store, first, BYTES, &diag), KPU_OK);
    commit(store);
    CU_ASSERT_EQUAL(kpu_store_set_bytes(store, second, 700, &diag), KPU_OK);
    expect_bytes(store, second, 700);
    CU_ASSERT_EQUAL(unlink(journal_of("bytes.h5", 1)), 0); /* it cannot be committed */
    CU_ASSERT_EQUAL(kpu_store_commit(store, NULL), KPU_E_IO);
    kpu_store_suspend(store, NULL);
    close(open(journal_of("bytes.h5", 1), O_CREAT | O_WRONLY, 0666));
    for (int i = 0; i < 2; i++) { /* as they were committed, however often */
        store = resume("bytes.h5", 10);
        expect_bytes(store, first, BYTES);
        suspend(store);
    }
    store = resume("bytes.h5", 10);
    CU_ASSERT_EQUAL(kpu_store_set_bytes(store, NULL, 0, &diag), KPU_OK);
    suspend(store);
    store = resume("bytes.h5", 10);
    expect_bytes(store, NULL, 0);
    expect_quiet(&diag);
    CU_ASSERT_EQUAL(kpu_store_set_bytes(store, first, (size_t)KPU_STORE_BYTES + 1, &diag),
                    KPU_E_RANGE);
    expect_complaint(&diag, "bytes are too many");
    CU_ASSERT_EQUAL(kpu_store_set_bytes(store, first, BYTES, &diag), KPU_OK);
    finish(store);
    expect_finished("bytes.h5", 10);
    empty_folder();
}

/* ---- Damage ----------------------------------------------------------------------------- */

/* Rows that were committed do not go away because nobody knows which. */
static void expect_damaged(const char *name)
{
    kpu_store_state state;
    expect_refusal(name, false, "is damaged; remove it, or drop it with --force");
    expect_no_going_on(name, "is damaged");
    expect_unreadable(name, "its journal is damaged");
    kpu_store_probe(in_folder(name), &state);
    CU_ASSERT_TRUE(state.is_damaged);
    CU_ASSERT_FALSE(state.is_partial);
    kpu_store_abandon(create(name, true));
    CU_ASSERT_EQUAL(count_files(), 0);
}

static void test_damaged_records_are_told_from_none(void)
{
    static const unsigned char damage[64] = {0x5a, 0xa5};
    for (int how = 0; how < 4; how++) {
        leave_rows("damage.h5", 3);
        put(journal_of("damage.h5", 0), RECORD_AT + 200, damage, sizeof damage);
        if (how == 0) { /* one is enough */
            kpu_store_abandon(resume("damage.h5", 20));
            CU_ASSERT_EQUAL(count_files(), 0);
            continue;
        }
        if (how == 1)
            put(journal_of("damage.h5", 1), RECORD_AT + 200, damage, sizeof damage);
        else
            CU_ASSERT_EQUAL(truncate(journal_of("damage.h5", 1), how == 2 ? 0 : 5000), 0);
        expect_damaged("damage.h5");
    }
}

static void test_the_first_record_may_be_torn(void)
{
    static const unsigned char torn[64] = {0x5a, 0xa5};
    leave_rows("torn.h5", 1); /* and then the power went */
    put(journal_of("torn.h5", 0), RECORD_AT + 200, torn, sizeof torn);
    CU_ASSERT_EQUAL(truncate(journal_of("torn.h5", 1), 0), 0);
    expect_state("torn.h5", false, -1, false);
    expect_unreadable("torn.h5", "has written no results yet");
    expect_no_going_on("torn.h5", "no unfinished run");
    kpu_store_abandon(create("torn.h5", false));
    CU_ASSERT_EQUAL(count_files(), 0);
}

/* ---- What a journal may claim ------------------------------------------------------------- */

static void set_header(const char *name, uint64_t block_count, uint64_t length, off_t bytes)
{
    kpu_journal_header header;
    const char *file = journal_of(name, 0);
    get(file, RECORD_AT, &header, sizeof header);
    header.block_count = block_count;
    header.length = length;
    put(file, RECORD_AT, &header, sizeof header);
    CU_ASSERT_EQUAL(truncate(file, bytes), 0);
}

/* Its content would take 52 GB of memory, or be written anywhere. */
static void test_claims_are_checked_before_memory_is_taken(void)
{
    kpu_journal_header header;
    leave_rows("claims.h5", 3);
    get(journal_of("claims.h5", 0), RECORD_AT, &header, sizeof header);
    CU_ASSERT_EQUAL(truncate(journal_of("claims.h5", 1), 0), 0);
    set_header("claims.h5", 100000000, header.length, (off_t)60 << 30);
    expect_unreadable("claims.h5", "its journal is damaged");
    set_header("claims.h5", UINT64_MAX / 500, header.length, (off_t)60 << 30);
    expect_unreadable("claims.h5", "its journal is damaged");
    set_header("claims.h5", 1, UINT64_MAX, 20000);
    expect_damaged("claims.h5");
}

static void test_pipes_are_not_waited_for(void)
{
    kpu_store_state state;
    leave_rows("pipe.h5", 1);
    unlink(journal_of("pipe.h5", 0));
    CU_ASSERT_EQUAL(mkfifo(journal_of("pipe.h5", 0), 0666), 0);
    kpu_store_probe(in_folder("pipe.h5"), &state);
    CU_ASSERT_TRUE(state.is_damaged);
    expect_unreadable("pipe.h5", "cannot open the results file");
    expect_refusal("pipe.h5", false, "is no regular file");
    expect_no_going_on("pipe.h5", "is no regular file");
    empty_folder();
    leave_rows("pipe.h5", 1);
    unlink(partial_of("pipe.h5"));
    CU_ASSERT_EQUAL(mkfifo(partial_of("pipe.h5"), 0666), 0);
    expect_no_going_on("pipe.h5", "cannot be gone on with");
    expect_unreadable("pipe.h5", "is no regular file");
    empty_folder();
}

/* ---- Links ------------------------------------------------------------------------------ */

/* The file that a link leads to. */
static const char target_text[] = "a file of somebody's";

static void make_link(const char *link_name)
{
    char target[sizeof path];
    snprintf(target, sizeof target, "%s", in_folder("target"));
    put(target, 0, target_text, sizeof target_text);
    CU_ASSERT_EQUAL(symlink(target, link_name), 0);
}

static void expect_target(void)
{
    char text[sizeof target_text + 1] = "";
    struct stat st;
    CU_ASSERT_EQUAL(stat(in_folder("target"), &st), 0);
    CU_ASSERT_EQUAL(st.st_size, (off_t)sizeof target_text);
    get(in_folder("target"), 0, text, sizeof target_text);
    CU_ASSERT_STRING_EQUAL(text, target_text);
    empty_folder();
}

static void test_nothing_is_written_through_links(void)
{
    kpu_diag diag = {0};
    kpu_gzip_writer *writer = NULL;
    for (int slot = 0; slot < 2; slot++) {
        make_link(journal_of("link.h5", slot));
        expect_refusal("link.h5", false, "is a symbolic link");
        expect_refusal("link.h5", true, "is a symbolic link");
        expect_target();
    }
    make_link(partial_of("link.txt"));
    CU_ASSERT_EQUAL(kpu_gzip_writer_open(in_folder("link.txt"), "text", true, &writer, &diag),
                    KPU_E_INPUT);
    expect_complaint(&diag, "is a symbolic link");
    expect_target();
    CU_ASSERT_EQUAL(symlink("nowhere", in_folder("link.h5")), 0);
    expect_refusal("link.h5", false, "exists already");
    kpu_store *store = create("link.h5", true); /* the link goes, not what it leads to */
    append(store, 5);
    finish(store);
    expect_finished("link.h5", 5);
    empty_folder();
}

static void test_a_text_takes_no_results_away(void)
{
    kpu_diag diag = {0};
    kpu_gzip_writer *writer = NULL;
    leave_rows("both", 1);
    CU_ASSERT_EQUAL(kpu_gzip_writer_open(in_folder("both"), "text", true, &writer, &diag),
                    KPU_E_INPUT);
    expect_complaint(&diag, "which is that of an unfinished results file");
    kpu_store_abandon(resume("both", 10));
    CU_ASSERT_EQUAL(count_files(), 0);
}

static void test_what_a_link_leads_to_is_read(void)
{
    char linked[sizeof path];
    kpu_store *store = create("there.h5", false);
    append(store, 10);
    commit(store);
    CU_ASSERT_EQUAL(mkdir(in_folder("here"), 0777), 0);
    snprintf(linked, sizeof linked, "%s", in_folder("here/linked.h5"));
    CU_ASSERT_EQUAL(symlink(partial_of("there.h5"), linked), 0);
    kpu_results *first = open_results(linked, 10);
    append(store, 10);
    commit(store); /* it waits in the journal as long as the first one reads */
    kpu_results_close(open_results(linked, 20));
    kpu_results_close(first);
    kpu_store_abandon(store);
    unlink(linked);
    CU_ASSERT_EQUAL(rmdir(in_folder("here")), 0);
    CU_ASSERT_EQUAL(count_files(), 0);
}

/* ---- Others ----------------------------------------------------------------------------- */

static const char elsewhere[NAME_BYTES] = "another host, process 1, since 2026-01-31 12:00:00 UTC";

static void expect_writer(const char *name, const char *writer)
{
    char found[NAME_BYTES + 1] = "";
    get(journal_of(name, 0), 0, found, NAME_BYTES);
    CU_ASSERT_STRING_EQUAL(found, writer);
}

/* As it may be where locks do not reach other hosts: this one was stopped for long, say. */
static void test_a_run_that_was_taken_over_ends(void)
{
    kpu_diag diag = {0};
    struct stat before, after;
    kpu_store *store = create("taken.h5", false);
    append(store, 10);
    commit(store);
    append(store, 5000); /* more than was committed */
    put(journal_of("taken.h5", 0), 0, elsewhere, sizeof elsewhere);
    CU_ASSERT_EQUAL(stat(partial_of("taken.h5"), &before), 0);
    CU_ASSERT_EQUAL(kpu_store_commit(store, &diag), KPU_E_IO);
    expect_complaint(&diag, "another run writes it now (another host, process 1,");
    CU_ASSERT_EQUAL(kpu_store_suspend(store, &diag), KPU_OK);
    expect_quiet(&diag);
    CU_ASSERT_EQUAL(stat(partial_of("taken.h5"), &after), 0);
    CU_ASSERT(after.st_size >= before.st_size);
    expect_writer("taken.h5", elsewhere);
    kpu_results_close(open_results(partial_of("taken.h5"), 10));
    empty_folder();
    store = create("taken.h5", false); /* before its first commit */
    put(journal_of("taken.h5", 0), 0, elsewhere, sizeof elsewhere);
    CU_ASSERT_EQUAL(kpu_store_commit(store, &diag), KPU_E_IO);
    expect_complaint(&diag, "another run writes it now");
    CU_ASSERT_EQUAL(kpu_store_suspend(store, &diag), KPU_OK);
    CU_ASSERT_EQUAL(count_files(), 3);
    empty_folder();
}

static void test_who_does_not_write_leaves_no_name(void)
{
    leave_rows("name.h5", 1);
    expect_writer("name.h5", "");
    expect_refusal("name.h5", false, "has 10 rows of a run that did not end");
    expect_writer("name.h5", "");
    put(in_folder("name.h5"), 0, "", 1);
    expect_no_going_on("name.h5", "exists already");
    expect_writer("name.h5", "");
    empty_folder();
}

static void write_and_wait(void)
{
    kpu_store *store = create("locks.h5", false);
    append(store, 10);
    commit(store);
    put(in_folder("ready"), 0, "", 1);
    sleep(60);
}

static void test_without_locks(void)
{
    static const int errors[] = {ENOLCK, ENOSYS, EOPNOTSUPP};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        lock_error = errors[i];
        fflush(NULL);
        pid_t child = fork();
        if (child == 0) {
            write_and_wait();
            _exit(1);
        }
        while (access(in_folder("ready"), F_OK) != 0)
            usleep(1000);
        expect_refusal("locks.h5", false, "is being written by another run");
        expect_refusal("locks.h5", true, "is being written by another run");
        expect_no_going_on("locks.h5", "is being written by another run");
        expect_state("locks.h5", false, 10, true);
        kpu_results_close(open_results(partial_of("locks.h5"), 10));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        unlink(in_folder("ready"));
        expect_state("locks.h5", false, 10, false);
        kpu_store *store = resume("locks.h5", 10);
        append(store, 10);
        finish(store);
        expect_finished("locks.h5", 20);
        empty_folder();
        lock_error = 0;
    }
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"bytes of the caller", test_bytes_go_with_the_rows},
        {"damaged records", test_damaged_records_are_told_from_none},
        {"a torn first record", test_the_first_record_may_be_torn},
        {"claims", test_claims_are_checked_before_memory_is_taken},
        {"pipes", test_pipes_are_not_waited_for},
        {"nothing is written through links", test_nothing_is_written_through_links},
        {"a text takes no results away", test_a_text_takes_no_results_away},
        {"a link is read", test_what_a_link_leads_to_is_read},
        {"taken over", test_a_run_that_was_taken_over_ends},
        {"no name", test_who_does_not_write_leaves_no_name},
        {"without locks", test_without_locks},
        CU_TEST_INFO_NULL,
    };
    return run_tests_in_folder("journal", tests);
}
