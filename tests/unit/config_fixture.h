/* Helpers of the tests that read text: expected complaints, files in a folder of their own. */
#ifndef KPU_CONFIG_FIXTURE_H
#define KPU_CONFIG_FIXTURE_H

#include "kpu/base.h"

#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Some complaint's message contains `part`, in that line and column (0: any). */
static inline bool has_complaint(const kpu_diag *diag, int64_t line, int64_t column,
                                 const char *part)
{
    for (size_t i = 0; i < diag->count; i++) {
        const kpu_diag_entry *entry = &diag->entries[i];
        if (strstr(entry->message, part) && (line == 0 || entry->line == line) &&
            (column == 0 || entry->column == column))
            return true;
    }
    char *text = kpu_diag_render(diag);
    fprintf(stderr, "no complaint '%s' at %lld:%lld in:\n%s\n", part, (long long)line,
            (long long)column, text ? text : "");
    free(text);
    return false;
}

static inline void show_unexpected(const kpu_diag *diag)
{
    char *text = diag->count ? kpu_diag_render(diag) : NULL;
    if (text)
        fprintf(stderr, "unexpected:\n%s", text);
    free(text);
}

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
