/* run --shard: which part, and its file. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ranks.h"
#include "tools/run.h"

enum { SHARDS_MAX = 1000000 };

/* All of a text; false if it is no whole number from `least` on. */
static bool read_number(const char *text, size_t length, int64_t least, int64_t *out)
{
    char digits[20];
    if (length == 0 || length >= sizeof digits || strspn(text, "0123456789") < length)
        return false;
    memcpy(digits, text, length);
    digits[length] = '\0';
    *out = strtoll(digits, NULL, 10);
    return *out >= least;
}

static int read_parts(const char *text, kpu_shard *out, kpu_diag *diag)
{
    size_t slash = strcspn(text, "/");
    int64_t part;
    if (text[slash] != '/' || !read_number(text, slash, 1, &part) ||
        !read_number(text + slash + 1, strlen(text + slash + 1), 1, &out->count) ||
        part > out->count || out->count > SHARDS_MAX)
        return kpu_diag_add(diag, KPU_E_USAGE,
                            "--shard: expected I/N, with I from 1 to N and N at most %d, slurm, or "
                            "ranks; got \"%s\"",
                            SHARDS_MAX, text);
    out->index = part - 1;
    return KPU_OK;
}

/* ---- A task of a job array ---------------------------------------------------------------- */

static int read_variable(const char *name, int64_t least, int64_t *out, kpu_diag *diag)
{
    const char *text = getenv(name);
    if (text && read_number(text, strlen(text), least, out))
        return KPU_OK;
    if (!text)
        return kpu_diag_add(diag, KPU_E_USAGE,
                            "--shard slurm: %s is not set: this is no task of a job array; submit "
                            "it with sbatch --array=1-N, or say --shard I/N",
                            name);
    return kpu_diag_add(diag, KPU_E_USAGE,
                        "--shard slurm: %s is \"%s\"; expected a whole number from %" PRId64, name,
                        text, least);
}

/* Most likely a part that is run again, whose array does not tell how many there are. */
static int complain_alone(int64_t id, kpu_diag *diag)
{
    return kpu_diag_add(
        diag, KPU_E_USAGE,
        "--shard slurm: task %" PRId64 " is alone in its array; to run part %" PRId64
        " of N again say --shard %" PRId64 "/N (parts.sbatch takes N as its third argument)",
        id, id, id);
}

/* Tasks are numbered MIN, MIN + STEP, ... MAX; a list with gaps has less of them than that. */
static int read_slurm(kpu_shard *out, kpu_diag *diag)
{
    int64_t id, first, last, step = 1, count;
    int status = read_variable("SLURM_ARRAY_TASK_ID", 0, &id, diag);
    if (!status)
        status = read_variable("SLURM_ARRAY_TASK_MIN", 0, &first, diag);
    if (!status)
        status = read_variable("SLURM_ARRAY_TASK_MAX", 0, &last, diag);
    if (!status && getenv("SLURM_ARRAY_TASK_STEP"))
        status = read_variable("SLURM_ARRAY_TASK_STEP", 1, &step, diag);
    if (status)
        return status;
    *out = (kpu_shard){.index = (id - first) / step, .count = (last - first) / step + 1};
    count = out->count;
    if (getenv("SLURM_ARRAY_TASK_COUNT"))
        status = read_variable("SLURM_ARRAY_TASK_COUNT", 1, &count, diag);
    if (!status && (id < first || id > last || (id - first) % step || count != out->count ||
                    out->count > SHARDS_MAX))
        return kpu_diag_add(diag, KPU_E_USAGE,
                            "--shard slurm: task %" PRId64 " of an array of %" PRId64
                            " from %" PRId64 " to %" PRId64 " in steps of %" PRId64
                            ", which has gaps; give the array as 1-N (to run some tasks again: "
                            "--shard I/N with the I of each)",
                            id, count, first, last, step);
    return !status && count == 1 && id > 1 ? complain_alone(id, diag) : status;
}

static int read_ranks(kpu_shard *out, kpu_diag *diag)
{
    int rank = 0, count = 0;
    if (!kpu_tool_ranks_started(&rank, &count))
        return kpu_diag_add(diag, KPU_E_USAGE,
                            "--shard ranks: this is not one of several processes that mpirun or "
                            "srun started; say --shard I/N");
    *out = (kpu_shard){.index = rank, .count = count};
    return KPU_OK;
}

/* ---- The whole ---------------------------------------------------------------------------- */

int kpu_run_read_shard(const char *text, kpu_shard *out, kpu_diag *diag)
{
    *out = (kpu_shard){0};
    if (strcmp(text, "slurm") == 0)
        return read_slurm(out, diag);
    if (strcmp(text, "ranks") == 0)
        return read_ranks(out, diag);
    return read_parts(text, out, diag);
}

void kpu_run_put_shard_path(kpu_text *out, const char *output, kpu_shard shard)
{
    static const char ending[] = ".h5";
    size_t length = strlen(output), ending_length = sizeof ending - 1;
    bool ends = length > ending_length && strcmp(output + length - ending_length, ending) == 0;
    kpu_text_put_bytes(out, output, ends ? length - ending_length : length);
    kpu_text_format(out, ".shard-%" PRId64 "-of-%" PRId64 "%s", shard.index + 1, shard.count,
                    ends ? ending : "");
}
