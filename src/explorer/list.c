/* Lists of words in a setting: "edge-ai, datacenter". */
#include "explorer/space.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool split_entry(const kpu_setting *setting, const char *from, const char *end,
                        kpu_list_entry *out)
{
    while (from < end && isspace((unsigned char)*from))
        from++;
    while (end > from && isspace((unsigned char)end[-1]))
        end--;
    out->place = setting->place;
    out->place.column += out->place.column > 0 ? from - setting->value : 0;
    out->text = strndup(from, (size_t)(end - from));
    return out->text != NULL;
}

static size_t count_entries(const char *list)
{
    size_t count = 1;
    for (const char *c = list; *c != '\0'; c++)
        count += *c == ',';
    return count;
}

static int check_entries(const kpu_setting *setting, const kpu_list_entry *entries, size_t count,
                         kpu_diag *diag)
{
    for (size_t i = 0; i < count; i++) {
        if (entries[i].text[0] == '\0') {
            return kpu_diag_add_at(diag, KPU_E_INPUT, &entries[i].place,
                                   "%s: an empty entry in "
                                   "the list",
                                   setting->name);
        }
        for (size_t j = 0; j < i; j++) {
            if (strcmp(entries[i].text, entries[j].text) == 0) {
                return kpu_diag_add_at(diag, KPU_E_INPUT, &entries[i].place,
                                       "%s: '%s' stands in the list twice", setting->name,
                                       entries[i].text);
            }
        }
    }
    return KPU_OK;
}

int kpu_list_split(const kpu_setting *setting, kpu_list_entry **out, size_t *count, kpu_diag *diag)
{
    size_t most = count_entries(setting->value);
    *count = 0;
    *out = NULL;
    if (most > KPU_LIST_MAX)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &setting->place,
                               "%s: a list of %zu entries; at most %d are allowed", setting->name,
                               most, KPU_LIST_MAX);
    kpu_list_entry *entries = calloc(most, sizeof *entries);
    bool good = entries != NULL;
    for (const char *from = setting->value; good && *count < most; (*count)++) {
        const char *end = from + strcspn(from, ",");
        good = split_entry(setting, from, end, &entries[*count]);
        from = end + 1;
    }
    int code = good ? check_entries(setting, entries, *count, diag)
                    : kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    if (code != KPU_OK) {
        kpu_list_free(entries, entries ? most : 0);
        *count = 0;
        entries = NULL;
    }
    *out = entries;
    return code;
}

void kpu_list_free(kpu_list_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(entries[i].text);
    free(entries);
}
