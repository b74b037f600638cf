/* A small sweep with every outcome, and lines of its own in [sweep] and [search]. */
#ifndef KPU_SWEEP_FIXTURE_H
#define KPU_SWEEP_FIXTURE_H

#include "search_fixture.h"

#define GEMMS "[workload]\ngemms = a:24x40x16, b:16x64x48, c:36x18x20\n"
#define AXES                                                                                       \
    "[space]\nTM = 4, 8, 12\nTN = 8, 16\nTK = 8, 16\nd3 = 1, 3/2/1\ndataflow = os, ws, is\n"
#define RULE "[constraints]\nsome = TM*TN != 64 or dataflow == ws\n"

static inline kpu_space *make_with(const char *sweep_lines, const char *search_lines,
                                   kpu_diag *diag)
{
    char text[4096];
    snprintf(text, sizeof text,
             "[sweep]\nname = t\nmachines = minimal, edge-ai\n%s[search]\n%s" GEMMS AXES RULE,
             sweep_lines, search_lines);
    return make_space(text, diag);
}

static inline kpu_space *must_make_with(const char *sweep_lines, const char *search_lines)
{
    kpu_diag diag = {0};
    kpu_space *space = make_with(sweep_lines, search_lines, &diag);
    show_unexpected(&diag);
    kpu_diag_fini(&diag);
    CU_ASSERT_PTR_NOT_NULL_FATAL(space);
    return space;
}

#endif
