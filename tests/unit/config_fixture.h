/* Helpers of the tests that read text: expected complaints, files in a folder of their own. */
#ifndef KPU_CONFIG_FIXTURE_H
#define KPU_CONFIG_FIXTURE_H

#include "kpu/base.h"

#include "run_suite.h"
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

#endif
