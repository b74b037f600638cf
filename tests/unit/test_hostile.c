/* kpu/store.h: files that are made to harm their reader. Each is refused with one complaint, or
 * read as what it is, in little time and memory. */
#include "store_fixture.h"

#include <hdf5.h>
#include <zlib.h>

enum { ROWS = 10 };

/* A dataset in the place of metrics/cycles, with a storage of its own. */
static void replace(hid_t file, hid_t type, hsize_t rows, hid_t creation)
{
    H5Ldelete(file, "metrics/cycles", H5P_DEFAULT);
    hid_t space = H5Screate_simple(1, &rows, NULL);
    hid_t dataset =
        H5Dcreate2(file, "metrics/cycles", type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    CU_ASSERT(dataset >= 0);
    H5Dclose(dataset);
    H5Sclose(space);
}

static hid_t chunked(hsize_t rows)
{
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(creation, 1, &rows);
    return creation;
}

static void replace_chunked(hid_t file, hsize_t chunk)
{
    hid_t creation = chunked(chunk);
    replace(file, H5T_NATIVE_INT64, ROWS, creation);
    H5Pclose(creation);
}

static void giant_chunks(hid_t file)
{
    hid_t creation = chunked(1 << 28); /* 2 GiB each */
    hsize_t rows = ROWS, most = H5S_UNLIMITED;
    H5Ldelete(file, "metrics/cycles", H5P_DEFAULT);
    hid_t space = H5Screate_simple(1, &rows, &most);
    H5Dclose(H5Dcreate2(file, "metrics/cycles", H5T_NATIVE_INT64, space, H5P_DEFAULT, creation,
                        H5P_DEFAULT));
    H5Sclose(space);
    H5Pclose(creation);
}

static void other_filter(hid_t file)
{
    hid_t creation = chunked(ROWS);
    H5Pset_scaleoffset(creation, H5Z_SO_INT, 0);
    replace(file, H5T_NATIVE_INT64, ROWS, creation);
    H5Pclose(creation);
}

static void odd_integers(hid_t file)
{
    hid_t type = H5Tcopy(H5T_NATIVE_INT64);
    H5Tset_precision(type, 13);
    H5Tset_offset(type, 7);
    replace(file, type, ROWS, H5P_DEFAULT);
    H5Tclose(type);
}

static void odd_numbers(hid_t file)
{
    hid_t type = H5Tcopy(H5T_IEEE_F64LE);
    H5Tset_fields(type, 60, 50, 10, 0, 50);
    replace(file, type, ROWS, H5P_DEFAULT);
    H5Tclose(type);
}

static void elsewhere(hid_t file)
{
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(creation, "/etc/passwd", 0, ROWS * 8);
    replace(file, H5T_NATIVE_INT64, ROWS, creation);
    H5Pclose(creation);
}

static void soft_link(hid_t file)
{
    H5Ldelete(file, "metrics/cycles", H5P_DEFAULT);
    H5Lcreate_soft("/metrics/cycles", file, "metrics/cycles", H5P_DEFAULT, H5P_DEFAULT);
}

static void cycle(hid_t file)
{
    H5Lcreate_hard(file, "/", file, "metrics/again", H5P_DEFAULT, H5P_DEFAULT);
}

static void put_rows(hid_t file, int64_t rows)
{
    hid_t attribute = H5Aopen(file, "rows", H5P_DEFAULT);
    H5Awrite(attribute, H5T_NATIVE_INT64, &rows);
    H5Aclose(attribute);
}

/* 10^15 rows of nothing in each column. */
static void lying_rows(hid_t file)
{
    static const char *const names[] = {"candidates/id", "candidates/dataflow", "metrics/cycles",
                                        "metrics/utilisation"};
    const int64_t rows = INT64_C(1000000000000000);
    put_rows(file, rows);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        hsize_t extent = (hsize_t)rows, most = H5S_UNLIMITED;
        hid_t creation = chunked(4096);
        hid_t space = H5Screate_simple(1, &extent, &most);
        H5Ldelete(file, names[i], H5P_DEFAULT);
        H5Dclose(H5Dcreate2(file, names[i], H5T_NATIVE_INT64, space, H5P_DEFAULT, creation,
                            H5P_DEFAULT));
        H5Sclose(space);
        H5Pclose(creation);
    }
}

static void expect_refusal(void (*alter)(hid_t file), const char *complaint)
{
    kpu_diag diag = {0};
    kpu_results *results = NULL;
    write_file("hostile.h5", ROWS);
    hid_t file = H5Fopen(in_folder("hostile.h5"), H5F_ACC_RDWR, H5P_DEFAULT);
    CU_ASSERT_FATAL(file >= 0);
    alter(file);
    H5Fclose(file);
    CU_ASSERT_EQUAL(kpu_results_open(in_folder("hostile.h5"), &results, &diag), KPU_E_INPUT);
    CU_ASSERT_PTR_NULL(results);
    expect_complaint(&diag, complaint);
    empty_folder();
}

static void test_refuses_hostile_columns(void)
{
    expect_refusal(giant_chunks, "'metrics/cycles' is stored in chunks that are larger");
    expect_refusal(other_filter, "'metrics/cycles' is stored through filters");
    expect_refusal(odd_integers, "'metrics/cycles' holds neither");
    expect_refusal(odd_numbers, "'metrics/cycles' holds neither");
    expect_refusal(elsewhere, "'metrics/cycles' has its data in another file");
    expect_refusal(soft_link, "'metrics/cycles' is no dataset");
    expect_refusal(cycle, "'metrics/again' is no dataset");
    expect_refusal(lying_rows, "cannot hold");
}

/* A chunk of 80 bytes that inflates to 48 MiB: HDF5 itself writes no larger one. */
static void put_bomb(hid_t file)
{
    const uLong bytes = 48u << 20;
    uLong packed_bytes = compressBound(bytes);
    unsigned char *zeros = calloc(bytes, 1), *packed = malloc(packed_bytes);
    hsize_t first = 0;
    hid_t creation = chunked(ROWS);
    CU_ASSERT_PTR_NOT_NULL_FATAL(zeros);
    CU_ASSERT_PTR_NOT_NULL_FATAL(packed);
    CU_ASSERT_EQUAL_FATAL(compress2(packed, &packed_bytes, zeros, bytes, 9), Z_OK);
    H5Pset_deflate(creation, 9);
    replace(file, H5T_NATIVE_INT64, ROWS, creation);
    hid_t dataset = H5Dopen2(file, "metrics/cycles", H5P_DEFAULT);
    CU_ASSERT(H5Dwrite_chunk(dataset, H5P_DEFAULT, 0, &first, packed_bytes, packed) >= 0);
    H5Dclose(dataset);
    H5Pclose(creation);
    free(zeros);
    free(packed);
}

static void test_does_not_inflate_bombs(void)
{
    kpu_diag diag = {0};
    kpu_results *results = NULL;
    kpu_metric_value values[ROWS];
    write_file("bomb.h5", ROWS);
    hid_t file = H5Fopen(in_folder("bomb.h5"), H5F_ACC_RDWR, H5P_DEFAULT);
    put_bomb(file);
    H5Fclose(file);
    CU_ASSERT_EQUAL_FATAL(kpu_results_open(in_folder("bomb.h5"), &results, &diag), KPU_OK);
    int column = kpu_results_find(results, "cycles");
    CU_ASSERT_EQUAL(kpu_results_read(results, (size_t)column, 0, ROWS, values, &diag), KPU_E_INPUT);
    expect_complaint(&diag, "'metrics/cycles' is damaged");
    kpu_results_close(results);
    empty_folder();
}

/* Where no chunk is, HDF5 gives zeros; rows of ours are all written. */
static void test_misses_chunks(void)
{
    kpu_diag diag = {0};
    kpu_results *results = NULL;
    kpu_metric_value values[ROWS];
    write_file("bare.h5", ROWS);
    hid_t file = H5Fopen(in_folder("bare.h5"), H5F_ACC_RDWR, H5P_DEFAULT);
    replace_chunked(file, ROWS);
    H5Fclose(file);
    CU_ASSERT_EQUAL_FATAL(kpu_results_open(in_folder("bare.h5"), &results, &diag), KPU_OK);
    int column = kpu_results_find(results, "cycles");
    CU_ASSERT_EQUAL(kpu_results_read(results, (size_t)column, 0, ROWS, values, &diag), KPU_E_INPUT);
    expect_complaint(&diag, "'metrics/cycles' is damaged: a checksum is wrong or data is missing");
    kpu_results_close(results);
    empty_folder();
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"columns", test_refuses_hostile_columns},
        {"bombs", test_does_not_inflate_bombs},
        {"no data", test_misses_chunks},
        CU_TEST_INFO_NULL,
    };
    return run_tests_in_folder("hostile", tests);
}
