/* Private to the program: what the files of `certify` share. */
#ifndef KPU_SRC_TOOLS_CERTIFY_H
#define KPU_SRC_TOOLS_CERTIFY_H

#include "kpu/explorer.h"
#include "kpu/store.h"

/* Compares the rows of a results file with the members of a front that has been checked: every
 * member has one row, the same in all columns; no other row could be on the front. KPU_E_REFUTED
 * otherwise. `path` is for the complaints. */
typedef struct kpu_certify_results {
    kpu_results *results;
    const char *path;
    const kpu_space *space;
    const kpu_certify_facts *facts;
    const kpu_certify_options *options;
} kpu_certify_results;
int kpu_certify_compare_rows(const kpu_certify_results *what, kpu_diag *diag);

#endif
