/* [search]: what a sweep says about its search, and whether that goes together. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "explorer/search.h"

static const char section[] = "search";

const kpu_search_settings *kpu_space_search(const kpu_space *space)
{
    return &space->search;
}

static int complain_unknown(const char *name, const kpu_place *place, kpu_diag *diag)
{
    const char **names = calloc(kpu_search_count() + 1, sizeof *names);
    if (!names)
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    for (size_t i = 0; i < kpu_search_count(); i++)
        names[i] = kpu_search_at(i)->name;
    const char *near = kpu_nearest_name(name, names, kpu_search_count());
    free(names);
    if (near)
        return kpu_diag_add_at(diag, KPU_E_INPUT, place,
                               "search.method: no search '%s'; did you mean '%s'?", name, near);
    return kpu_diag_add_at(diag, KPU_E_INPUT, place,
                           "search.method: no search '%s'; kpu-dse searches lists them", name);
}

/* An integer whose form has been checked when it was read. `given`: its setting, or NULL. */
static int read_int(const kpu_ini *sweep, const char *section_name, const char *name, int64_t *out,
                    const kpu_setting **given, kpu_diag *diag)
{
    *given = kpu_ini_find(sweep, section_name, name);
    const kpu_place place = *given ? (*given)->place : (kpu_place){.file = sweep->path};
    return kpu_key_parse_int(kpu_key_find(KPU_FILE_SWEEP, section_name, name),
                             kpu_ini_value(sweep, section_name, name), &place, out, diag);
}

static int check_budget(const kpu_search *search, const kpu_ini *sweep, const kpu_setting *given,
                        int64_t budget, kpu_diag *diag)
{
    const kpu_setting *method = kpu_ini_find(sweep, section, "method");
    const kpu_place place = method ? method->place : (kpu_place){.file = sweep->path};
    if (search->budget == KPU_SEARCH_REFUSES && budget > 0)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &given->place,
                               "search.budget: the search %s evaluates all that there is and takes "
                               "no budget; choose another with search.method or --search",
                               search->name);
    if (search->budget == KPU_SEARCH_NEEDS && budget == 0)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                               "search.method: the search %s needs to know how many candidates to "
                               "evaluate; give search.budget or --budget",
                               search->name);
    return KPU_OK;
}

static int check_sample(const kpu_search *search, const kpu_setting *given, int64_t sample,
                        kpu_diag *diag)
{
    if (search->sample != KPU_SEARCH_REFUSES || sample == 0)
        return KPU_OK;
    return kpu_diag_add_at(diag, KPU_E_INPUT, &given->place,
                           "sweep.sample: the search %s chooses among all points and takes no "
                           "sample; give it a budget instead",
                           search->name);
}

static int find_search(kpu_search_settings *out, const kpu_ini *sweep, kpu_diag *diag)
{
    const kpu_setting *given = kpu_ini_find(sweep, section, "method");
    const kpu_place place = given ? given->place : (kpu_place){.file = sweep->path};
    const char *name = kpu_ini_value(sweep, section, "method");
    out->search = name ? kpu_search_find(name) : NULL;
    return out->search ? KPU_OK : complain_unknown(name ? name : "", &place, diag);
}

int kpu_space_read_search(kpu_space *space, const kpu_ini *sweep, kpu_diag *diag)
{
    kpu_search_settings *out = &space->search;
    const kpu_setting *budgeted, *sampled, *any;
    int64_t seed = 0, sample = 0;
    int codes[] = {
        find_search(out, sweep, diag),
        read_int(sweep, section, "budget", &out->budget, &budgeted, diag),
        read_int(sweep, section, "nsga2_population", &out->nsga2_population, &any, diag),
        read_int(sweep, "sweep", "seed", &seed, &any, NULL), /* told with the rest of [sweep] */
        read_int(sweep, "sweep", "sample", &sample, &sampled, NULL),
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (codes[i] != KPU_OK)
            return codes[i];
    }
    out->seed = (uint64_t)seed;
    int code = check_budget(out->search, sweep, budgeted, out->budget, diag);
    int other = check_sample(out->search, sampled, sample, diag);
    return code != KPU_OK ? code : other;
}
