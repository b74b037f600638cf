/* Whether a file belongs to a run: what decides its rows, part by part. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/run.h"

int kpu_run_put_identity(kpu_text *out, const kpu_space *space)
{
    kpu_identity identity;
    int status = kpu_space_identity(space, &identity);
    for (size_t i = 0; !status && i < KPU_IDENTITY_PARTS; i++)
        kpu_text_format(out, "%s %s\n", identity.part[i].name, identity.part[i].value);
    return status ? status : out->failed ? KPU_E_MEMORY : KPU_OK;
}

/* The value in the line that begins with the name; false if there is none. */
static bool find_value(const char *text, const char *name, const char **value, int *length)
{
    size_t name_length = strlen(name);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, name_length) == 0 && line[name_length] == ' ') {
            *value = line + name_length + 1;
            *length = (int)strcspn(*value, "\n");
            return true;
        }
    }
    return false;
}

/* ", the seed (1 there, 2 now)" */
static void put_difference(kpu_text *out, const kpu_identity_part *part, const char *kept)
{
    const char *value;
    int length;
    bool found = find_value(kept, part->name, &value, &length);
    if (found && (size_t)length == strlen(part->value) &&
        strncmp(value, part->value, (size_t)length) == 0)
        return;
    kpu_text_format(out, "%s%s (%.*s in it, %s now)", out->length ? ", " : "", part->meaning,
                    found ? length : 7, found ? value : "nothing", part->value);
}

static int complain(const kpu_run *run, const kpu_place *place, const char *differences,
                    bool is_finished, kpu_diag *diag)
{
    return kpu_diag_add_at(diag, KPU_E_INPUT, place,
                           "is of another run than %s, as it is run now: %s; `kpu-dse info %s "
                           "--text sweep` prints what it was made from; choose another file with "
                           "-o, or %s it with --force instead of --resume",
                           run->sweep_path, differences, place->file,
                           is_finished ? "replace" : "drop");
}

static int compare(const kpu_run *run, const kpu_place *place, const char *kept, bool is_finished,
                   kpu_diag *diag)
{
    kpu_identity identity;
    kpu_text differences = {0};
    int status = kpu_space_identity(run->space, &identity);
    for (size_t i = 0; !status && i < KPU_IDENTITY_PARTS; i++)
        put_difference(&differences, &identity.part[i], kept);
    if (status || differences.failed)
        status = kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    else if (differences.length > 0)
        status = complain(run, place, differences.data, is_finished, diag);
    kpu_text_fini(&differences);
    return status;
}

static int compare_shards(const kpu_run *run, const kpu_place *place, const char *kept,
                          kpu_diag *diag)
{
    kpu_text now = {0};
    if (run->shard.count > 0)
        kpu_text_format(&now, "%" PRId64 "/%" PRId64, run->shard.index + 1, run->shard.count);
    const char *there = kept ? kept : "", *here = now.data ? now.data : "";
    int status = KPU_OK;
    if (now.failed)
        status = kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    else if (strcmp(there, here) != 0)
        status = kpu_diag_add_at(diag, KPU_E_INPUT, place,
                                 "holds %s%s, but this run makes %s%s; choose another file with -o",
                                 *there ? "shard " : "all", there, *here ? "shard " : "all", here);
    kpu_text_fini(&now);
    return status;
}

/* All that a file says of its run. */
static int check(const kpu_run *run, const kpu_place *place, kpu_results *results, kpu_diag *diag)
{
    char *kept = kpu_results_text(results, "identity");
    char *shard = kpu_results_attribute(results, "shard");
    char *missing = kpu_results_attribute(results, "shards_missing");
    int status;
    if (!kept)
        status = kpu_diag_add_at(diag, KPU_E_INPUT, place,
                                 "does not say what run it is of (an older version made it); "
                                 "choose another file with -o, or replace it with --force instead "
                                 "of --resume");
    else
        status = compare(run, place, kept, kpu_results_complete(results), diag);
    if (!status)
        status = compare_shards(run, place, shard, diag);
    if (!status && missing)
        status = kpu_diag_add_at(diag, KPU_E_INPUT, place,
                                 "was merged without the parts %s, and is no run that goes on: "
                                 "merge all parts, or replace it with --force instead of --resume",
                                 missing);
    free(kept);
    free(shard);
    free(missing);
    return status;
}

int kpu_run_check_identity(const kpu_run *run, const char *path, kpu_diag *diag)
{
    const kpu_place place = {.file = path};
    kpu_results *results;
    int status = kpu_results_open(path, &results, diag);
    if (!status)
        status = check(run, &place, results, diag);
    kpu_results_close(results);
    return status;
}
