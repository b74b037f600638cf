/* [sweep] store: which rows a run keeps. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "explorer/search.h"

static const int64_t count_max = 1000000000;

static const char blanks[] = " \t";

/* A word of the key, in the order of kpu_keep_kind. */
static const struct way {
    const char *name;
    bool counts;       /* a number follows */
    bool needs_others; /* chooses among all candidates: the fronts alone do not say */
} ways[] = {
    [KPU_KEEP_ALL] = {"all", false, false},
    [KPU_KEEP_FRONT] = {"front", false, false},
    [KPU_KEEP_TOP] = {"top", true, true},
    [KPU_KEEP_SAMPLE] = {"sample", true, true},
};
enum { WAYS = sizeof ways / sizeof *ways };

kpu_keep kpu_space_keep(const kpu_space *space)
{
    return space->keep;
}

void kpu_keep_text(kpu_keep keep, char *text, size_t size)
{
    if (ways[keep.kind].counts)
        snprintf(text, size, "%s-%" PRId64, ways[keep.kind].name, keep.count);
    else
        snprintf(text, size, "%s", ways[keep.kind].name);
}

static int complain_unknown(const char *word, size_t length, const kpu_place *place, kpu_diag *diag)
{
    const char *names[WAYS];
    char copy[KPU_INI_NAME_MAX];
    for (size_t i = 0; i < WAYS; i++)
        names[i] = ways[i].name;
    snprintf(copy, sizeof copy, "%.*s", (int)(length < sizeof copy ? length : sizeof copy), word);
    const char *near = kpu_nearest_name(copy, names, WAYS);
    return kpu_diag_add_at(diag, KPU_E_INPUT, place,
                           "sweep.store: '%s' is no choice of rows%s%s%s; expected all, front, top "
                           "N or sample N",
                           copy, near ? "; did you mean '" : "", near ? near : "",
                           near ? "'?" : "");
}

/* The number behind the word; `key` is that of the setting, with the range of this number. */
static int read_count(const struct way *way, const char *rest, const kpu_place *place, int64_t *out,
                      kpu_diag *diag)
{
    kpu_key key = *kpu_key_find(KPU_FILE_SWEEP, "sweep", "store");
    key.type = KPU_KEY_INT;
    key.unit = "candidate";
    key.min = 1;
    key.max = (double)count_max;
    if (*rest == '\0')
        return kpu_diag_add_at(diag, KPU_E_INPUT, place,
                               "sweep.store: how many rows has '%s' to keep? expected %s N",
                               way->name, way->name);
    return kpu_key_parse_int(&key, rest, place, out, diag);
}

static int parse(const char *text, kpu_place place, kpu_keep *out, kpu_diag *diag)
{
    size_t length = strcspn(text, blanks), way = 0;
    while (way < WAYS &&
           !(strlen(ways[way].name) == length && strncmp(ways[way].name, text, length) == 0))
        way++;
    if (way == WAYS)
        return complain_unknown(text, length, &place, diag);
    *out = (kpu_keep){.kind = (kpu_keep_kind)way};
    const char *rest = text + length + strspn(text + length, blanks);
    if (*rest != '\0' && place.column > 0)
        place.column += rest - text;
    if (ways[way].counts)
        return read_count(&ways[way], rest, &place, &out->count, diag);
    if (*rest == '\0')
        return KPU_OK;
    return kpu_diag_add_at(diag, KPU_E_INPUT, &place, "sweep.store: nothing may follow '%s'",
                           ways[way].name);
}

int kpu_space_read_keep(kpu_space *space, const kpu_ini *sweep, kpu_diag *diag)
{
    const kpu_setting *given = kpu_ini_find(sweep, "sweep", "store");
    const kpu_place place = given ? given->place : (kpu_place){.file = sweep->path};
    const kpu_search *search = space->search.search;
    int code = parse(kpu_ini_value(sweep, "sweep", "store"), place, &space->keep, diag);
    if (code == KPU_OK && search && search->only_fronts && ways[space->keep.kind].needs_others)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                               "sweep.store: the search %s gives the fronts alone, from which "
                               "nothing else can be chosen; expected all or front",
                               search->name);
    return code;
}
