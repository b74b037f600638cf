/* What object files rest on: checksums, and files read and written whole. */
#include "kpu/base.h"

#include "run_suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void test_crc32(void)
{
    static const char digits[] = "123456789"; /* the check value of the catalogue of CRCs */
    CU_ASSERT_EQUAL(kpu_crc32(digits, 9), 0xCBF43926);
    CU_ASSERT_EQUAL(kpu_crc32(NULL, 0), 0);
    CU_ASSERT_EQUAL(kpu_crc32("\0", 1), 0xD202EF8D);
}

typedef struct place {
    char folder[32], file[64];
} place;

static place make_place(void)
{
    place p = {.folder = "/tmp/kpu-file-XXXXXX"};
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(p.folder));
    snprintf(p.file, sizeof p.file, "%s/out", p.folder);
    return p;
}

static void expect_contents(const char *path, const char *wanted, size_t wanted_bytes)
{
    char *data = NULL;
    size_t bytes = 0;
    CU_ASSERT_EQUAL(kpu_file_read(path, 1 << 20, &data, &bytes, NULL), KPU_OK);
    CU_ASSERT_EQUAL_FATAL(bytes, wanted_bytes);
    CU_ASSERT(memcmp(data, wanted, bytes) == 0 && data[bytes] == '\0');
    free(data);
}

static void test_written_and_read(void)
{
    place p = make_place();
    CU_ASSERT_EQUAL(kpu_file_write(p.file, "a\0b", 3, NULL), KPU_OK);
    expect_contents(p.file, "a\0b", 3);
    CU_ASSERT_EQUAL(kpu_file_write(p.file, "", 0, NULL), KPU_OK);
    expect_contents(p.file, "", 0);
    size_t bytes = 100000;
    char *big = calloc(1, bytes);
    CU_ASSERT_PTR_NOT_NULL_FATAL(big);
    CU_ASSERT_EQUAL(kpu_file_write(p.file, big, bytes, NULL), KPU_OK);
    expect_contents(p.file, big, bytes);
    free(big);
    unlink(p.file);
    CU_ASSERT_EQUAL(rmdir(p.folder), 0);
}

static void test_limits_of_reading(void)
{
    place p = make_place();
    char *data = NULL;
    size_t bytes;
    CU_ASSERT_EQUAL(kpu_file_write(p.file, "12345", 5, NULL), KPU_OK);
    CU_ASSERT_EQUAL(kpu_file_read(p.file, 5, &data, &bytes, NULL), KPU_OK);
    free(data);
    CU_ASSERT_EQUAL(kpu_file_read(p.file, 4, &data, &bytes, NULL), KPU_E_INPUT);
    CU_ASSERT_EQUAL(kpu_file_read("/dev/zero", 4, &data, &bytes, NULL), KPU_E_INPUT);
    unlink(p.file);
    CU_ASSERT_EQUAL(rmdir(p.folder), 0);
}

/* One complaint that names the file, and no partial file left. */
static void test_failures_of_writing(void)
{
    place p = make_place();
    char below[96];
    static const struct {
        const char *path;
        int status;
    } devices[] = {{"/dev/full", KPU_E_IO}, {"/dev/null", KPU_OK}};
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) {
        kpu_diag diag = {0};
        CU_ASSERT_EQUAL(kpu_file_write(devices[i].path, "x", 1, &diag), devices[i].status);
        CU_ASSERT_EQUAL(diag.count, devices[i].status != KPU_OK);
        kpu_diag_fini(&diag);
    }
    kpu_diag diag = {0};
    snprintf(below, sizeof below, "%s/none/out", p.folder);
    CU_ASSERT_EQUAL(kpu_file_write(below, "x", 1, &diag), KPU_E_INPUT);
    CU_ASSERT_EQUAL(kpu_file_write(p.folder, "x", 1, &diag), KPU_E_INPUT);
    CU_ASSERT_EQUAL(kpu_file_write("", "x", 1, &diag), KPU_E_INPUT);
    CU_ASSERT_EQUAL_FATAL(diag.count, 3);
    CU_ASSERT_STRING_EQUAL(diag.entries[0].file, below);
    kpu_diag_fini(&diag);
    CU_ASSERT_EQUAL(rmdir(p.folder), 0);
}

/* Nobody sees half a file: who has it open keeps the old one. */
static void test_replaced_as_a_whole(void)
{
    place p = make_place();
    char old[4] = "";
    CU_ASSERT_EQUAL(kpu_file_write(p.file, "old", 3, NULL), KPU_OK);
    FILE *reader = fopen(p.file, "rb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(reader);
    CU_ASSERT_EQUAL(kpu_file_write(p.file, "newer", 5, NULL), KPU_OK);
    CU_ASSERT_EQUAL(fread(old, 1, 3, reader), 3);
    CU_ASSERT_STRING_EQUAL(old, "old");
    fclose(reader);
    expect_contents(p.file, "newer", 5);
    unlink(p.file);
    CU_ASSERT_EQUAL(rmdir(p.folder), 0);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"CRC-32", test_crc32},
        {"written and read", test_written_and_read},
        {"limits of reading", test_limits_of_reading},
        {"failures of writing", test_failures_of_writing},
        {"replaced as a whole", test_replaced_as_a_whole},
        CU_TEST_INFO_NULL,
    };
    return run_suite("object_file", tests);
}
