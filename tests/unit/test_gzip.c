/* kpu/store.h, compressed text: what is written comes back, whole or not at all. */
#include "store_fixture.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { LINES = 20000, LINE_BYTES = 32 };

/* Lines that compress a little; the last byte is no terminator. */
static void make_line(int64_t n, char out[LINE_BYTES + 1])
{
    snprintf(out, LINE_BYTES + 1, "%-14lld%016llx\n", (long long)n,
             (unsigned long long)kpu_random_u64(1, 1, (uint64_t)n));
}

static int write_lines(const char *name, bool force, int64_t lines, kpu_diag *diag)
{
    kpu_gzip_writer *writer = NULL;
    char line[LINE_BYTES + 1];
    int code = kpu_gzip_writer_open(in_folder(name), "text", force, &writer, diag);
    for (int64_t n = 0; code == KPU_OK && n < lines; n++) {
        make_line(n, line);
        code = kpu_gzip_writer_write(writer, line, strlen(line), diag);
    }
    if (code == KPU_OK)
        return kpu_gzip_writer_finish(writer, diag);
    kpu_gzip_writer_discard(writer);
    return code;
}

static void expect_lines(const char *name, int64_t lines)
{
    kpu_diag diag = {0};
    kpu_gzip_reader *reader = NULL;
    char line[LINE_BYTES + 1], found[LINE_BYTES];
    size_t got;
    CU_ASSERT_EQUAL_FATAL(kpu_gzip_reader_open(in_folder(name), &reader, &diag), KPU_OK);
    for (int64_t n = 0; n < lines; n++) {
        make_line(n, line);
        size_t length = strlen(line);
        CU_ASSERT_EQUAL(kpu_gzip_reader_read(reader, found, length, &got, &diag), KPU_OK);
        CU_ASSERT(got == length && memcmp(found, line, length) == 0);
    }
    CU_ASSERT_EQUAL(kpu_gzip_reader_read(reader, found, 1, &got, &diag), KPU_OK);
    CU_ASSERT_EQUAL(got, 0);
    kpu_gzip_reader_close(reader);
    expect_quiet(&diag);
}

static int64_t size_of(const char *name)
{
    struct stat st;
    return stat(in_folder(name), &st) == 0 ? (int64_t)st.st_size : -1;
}

static void test_the_name_says_whether_it_is_compressed(void)
{
    kpu_diag diag = {0};
    CU_ASSERT_EQUAL(write_lines("plain", false, LINES, &diag), KPU_OK);
    CU_ASSERT_EQUAL(write_lines("small.gz", false, LINES, &diag), KPU_OK);
    CU_ASSERT_EQUAL(write_lines("empty.gz", false, 0, &diag), KPU_OK);
    CU_ASSERT_EQUAL(write_lines("empty", false, 0, &diag), KPU_OK);
    expect_quiet(&diag);
    expect_lines("plain", LINES);
    expect_lines("small.gz", LINES);
    expect_lines("empty.gz", 0);
    expect_lines("empty", 0);
    CU_ASSERT(size_of("small.gz") < size_of("plain") * 2 / 3);
    CU_ASSERT_EQUAL(size_of("empty"), 0);
    CU_ASSERT_EQUAL(count_files(), 4);
    empty_folder();
}

static void test_only_force_replaces(void)
{
    kpu_diag diag = {0};
    CU_ASSERT_EQUAL(write_lines("text", false, 3, &diag), KPU_OK);
    CU_ASSERT_EQUAL(write_lines("text", false, 5, &diag), KPU_E_INPUT);
    expect_complaint(&diag, "exists already");
    expect_lines("text", 3);
    CU_ASSERT_EQUAL(write_lines("text", true, 5, &diag), KPU_OK);
    expect_lines("text", 5);
    CU_ASSERT_EQUAL(write_lines("nowhere/text", false, 5, &diag), KPU_E_INPUT);
    expect_complaint(&diag, "cannot create the text file: No such file or directory");
    CU_ASSERT_EQUAL(count_files(), 1);
    empty_folder();
}

static void test_discard_leaves_nothing(void)
{
    kpu_diag diag = {0};
    kpu_gzip_writer *writer = NULL;
    CU_ASSERT_EQUAL_FATAL(kpu_gzip_writer_open(in_folder("text.gz"), "text", false, &writer, &diag),
                          KPU_OK);
    CU_ASSERT_EQUAL(kpu_gzip_writer_write(writer, "abc", 3, &diag), KPU_OK);
    kpu_gzip_writer_discard(writer);
    kpu_gzip_writer_discard(NULL);
    CU_ASSERT_EQUAL(count_files(), 0);
    expect_quiet(&diag);
}

/* The child's exit code: what writing ended with. */
static int write_with_limit(const char *name, rlim_t bytes)
{
    int status = 0;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        const struct rlimit limit = {bytes, bytes};
        signal(SIGXFSZ, SIG_IGN);
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
            _exit(100);
        _exit(write_lines(name, false, LINES, NULL));
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_a_full_disk(void)
{
    static const char *const names[] = {"plain", "small.gz"};
    kpu_diag diag = {0};
    for (size_t i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL(write_lines(names[i], false, LINES, &diag), KPU_OK);
        rlim_t whole = (rlim_t)size_of(names[i]);
        empty_folder();
        const rlim_t limits[] = {1, 1000, whole / 2, whole - 1};
        for (size_t l = 0; l < sizeof limits / sizeof *limits; l++) {
            CU_ASSERT_EQUAL(write_with_limit(names[i], limits[l]), KPU_E_IO);
            CU_ASSERT_EQUAL(count_files(), 0);
        }
        CU_ASSERT_EQUAL(write_with_limit(names[i], whole), KPU_OK);
        empty_folder();
    }
    expect_quiet(&diag);
}

/* A file that was cut is an error, not an end. */
static void test_a_cut_file(void)
{
    kpu_diag diag = {0};
    kpu_gzip_reader *reader = NULL;
    char bytes[4096];
    size_t got = sizeof bytes;
    CU_ASSERT_EQUAL(write_lines("cut.gz", false, LINES, &diag), KPU_OK);
    CU_ASSERT_EQUAL(truncate(in_folder("cut.gz"), size_of("cut.gz") / 2), 0);
    CU_ASSERT_EQUAL_FATAL(kpu_gzip_reader_open(in_folder("cut.gz"), &reader, &diag), KPU_OK);
    int code = KPU_OK;
    while (code == KPU_OK && got == sizeof bytes)
        code = kpu_gzip_reader_read(reader, bytes, sizeof bytes, &got, &diag);
    CU_ASSERT_EQUAL(code, KPU_E_IO);
    expect_complaint(&diag, "cut short");
    kpu_gzip_reader_close(reader);
    empty_folder();
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"the name says whether it is compressed", test_the_name_says_whether_it_is_compressed},
        {"only force replaces", test_only_force_replaces},
        {"discard leaves nothing", test_discard_leaves_nothing},
        {"a full disk", test_a_full_disk},
        {"a cut file", test_a_cut_file},
        CU_TEST_INFO_NULL,
    };
    return run_tests_in_folder("gzip", tests);
}
