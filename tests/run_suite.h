/* Runs one CUnit suite: what main() of every test program ends with. */
#ifndef KPU_TESTS_RUN_SUITE_H
#define KPU_TESTS_RUN_SUITE_H

#include <CUnit/Basic.h>

/* The program's exit status: 0 all passed, 1 some failed, 2 CUnit could not start. */
static inline int run_suite(const char *name, CU_TestInfo *tests)
{
    CU_SuiteInfo suites[] = {{name, NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
    if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS)
        return 2;
    CU_basic_set_mode(CU_BRM_NORMAL);
    CU_basic_run_tests();
    unsigned failed = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failed != 0;
}

#endif
