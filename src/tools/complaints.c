#include "tools/complaints.h"

#include <string.h>

#include "kpu/explorer.h"

static bool same_line(const kpu_diag_entry *a, const kpu_diag_entry *b)
{
    return a->line == b->line && a->file && b->file && strcmp(a->file, b->file) == 0;
}

/* A complaint about the whole file is one about a missing key; where a line has been complained
 * about, a second complaint is mostly a consequence of the first. */
static bool is_news(const kpu_diag_entry *entry, const kpu_diag *known, size_t count)
{
    if (entry->line == 0)
        return false;
    for (size_t i = 0; i < count; i++)
        if (same_line(entry, &known->entries[i]))
            return false;
    return true;
}

void kpu_tool_complain_further(const kpu_ini *ini, kpu_diag *diag)
{
    if (ini->count == 0)
        return;
    kpu_diag further;
    kpu_diag_init(&further);
    kpu_space *space = NULL;
    kpu_machine machine;
    if (ini->kind == KPU_FILE_SWEEP)
        kpu_space_make(ini, &space, &further);
    else
        kpu_machine_from_ini(ini, &machine, &further);
    kpu_space_free(space);
    size_t count = diag->count;
    for (size_t i = 0; i < further.count; i++) {
        const kpu_diag_entry *entry = &further.entries[i];
        const kpu_place place = {entry->file, entry->line, entry->column, entry->text};
        if (is_news(entry, diag, count))
            kpu_diag_add_at(diag, entry->code, &place, "%s", entry->message);
    }
    kpu_diag_fini(&further);
}
