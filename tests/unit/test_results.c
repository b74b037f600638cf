/* kpu/store.h: files of others, altered and damaged files end in one clear complaint. */
#include "store_fixture.h"

#include <hdf5.h>
#include <sys/stat.h>

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
    hid_t dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Dclose(dataset);
    H5Sclose(space);
}

static void other_version(hid_t f)
{
    put_int(f, "format_version", 2);
}
static void no_version(hid_t f)
{
    H5Adelete(f, "format_version");
}
static void negative_rows(hid_t f)
{
    put_int(f, "rows", -1);
}
static void more_rows(hid_t f)
{
    put_int(f, "rows", 11);
}
static void no_rows(hid_t f)
{
    H5Adelete(f, "rows");
}
static void no_metrics(hid_t f)
{
    H5Ldelete(f, "metrics", H5P_DEFAULT);
}
static void shorter(hid_t f)
{
    replace(f, "metrics/cycles", H5T_NATIVE_INT64, 1, 9);
}
static void matrix(hid_t f)
{
    replace(f, "metrics/cycles", H5T_NATIVE_INT64, 2, 10);
}
static void strings(hid_t f)
{
    replace(f, "metrics/cycles", H5T_C_S1, 1, 10);
}
static void opaque(hid_t f)
{
    replace(f, "metrics/cycles", H5T_STD_REF_OBJ, 1, 10);
}
static void unsigned64(hid_t f)
{
    replace(f, "metrics/cycles", H5T_NATIVE_UINT64, 1, 10);
}
static void scalar(hid_t f)
{
    replace(f, "metrics/cycles", H5T_NATIVE_INT64, 0, 1);
}

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
        {"no results file", test_refuses_what_is_no_results_file},
        {"truncated", test_refuses_truncated_files},
        {"altered", test_refuses_altered_files},
        {"damaged data", test_notices_damaged_data},
        CU_TEST_INFO_NULL,
    };
    return run_tests_in_folder("results", tests);
}
