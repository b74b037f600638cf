/* survival.h: whose a fault is in a child that reads. */
#include "fuzz/survival.h"

#include <CUnit/Basic.h>
#include <hdf5.h>

#include "run_suite.h"

/* An address where nothing is, which no compiler looks through. */
static char *nowhere(void)
{
    volatile uintptr_t address = 16;
    return (char *)address;
}

static void do_nothing(const char *path)
{
    (void)path;
}

static void fault(const char *path)
{
    (void)path;
    *nowhere() = 1;
}

static void fault_in_library(const char *path)
{
    (void)path;
    if (strlen(nowhere()) > 1)
        abort();
}

static void fail(const char *path)
{
    fail_check(path);
}

static herr_t fault_when_called(hid_t group, const char *name, const H5L_info_t *info,
                                void *context)
{
    (void)group;
    (void)name;
    (void)info;
    fault(context);
    return 0;
}

static hid_t make_file(const char *path)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_fapl_core(access, 1 << 16, false); /* in memory */
    return H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
}

/* HDF5 calls us: it is the inner one that counts. */
static void fault_within_hdf5(const char *path)
{
    char name[] = "";
    hid_t file = make_file(path);
    H5Gclose(H5Gcreate2(file, "group", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Literate(file, H5_INDEX_NAME, H5_ITER_INC, NULL, fault_when_called, name);
}

static void fault_of_hdf5(const char *path)
{
    H5Aexists(make_file(path), nowhere());
}

static int exit_of(void (*read)(const char *path))
{
    int status = 0;
    pid_t child = fork();
    if (child == 0)
        read_as_child(read, "survival.h5");
    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_whose(void)
{
    CU_ASSERT_EQUAL(exit_of(do_nothing), 0);
    CU_ASSERT_EQUAL(exit_of(fault), EXIT_OF_OURS);
    CU_ASSERT_EQUAL(exit_of(fault_in_library), EXIT_OF_OURS);
    CU_ASSERT_EQUAL(exit_of(fail), EXIT_OF_OURS);
    CU_ASSERT_EQUAL(exit_of(fault_within_hdf5), EXIT_OF_OURS);
    CU_ASSERT_EQUAL(exit_of(fault_of_hdf5), EXIT_OF_HDF5);
    CU_ASSERT(is_survived(do_nothing, "survival.h5"));
    CU_ASSERT_FALSE(is_survived(fault_of_hdf5, "survival.h5"));
}

int main(void)
{
    CU_TestInfo tests[] = {{"whose", test_whose}, CU_TEST_INFO_NULL};
    return run_suite("survival", tests);
}
