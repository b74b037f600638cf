/* What decides the rows of a run, part by part. Names are part of it where a results file has them:
 * a file that is finished by another run has to be the one that the first would have made. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "explorer/search.h"
#include "explorer/space_hash.h"

enum { VALUE_SIZE = sizeof((kpu_identity_part *)0)->value };

/* A name, whatever is in it. */
static void put_name(kpu_hash *hash, const char *name)
{
    kpu_hash_add(hash, name, strlen(name) + 1);
}

static void put_number(kpu_hash *hash, int64_t number)
{
    char line[32];
    snprintf(line, sizeof line, "%" PRId64 "\n", number);
    kpu_hash_add(hash, line, strlen(line));
}

static void put_machines(kpu_hash *hash, const kpu_space *space)
{
    for (size_t m = 0; m < space->machine_count; m++) {
        put_name(hash, space->machines[m].name);
        kpu_hash_put_machine(hash, &space->machines[m]);
    }
}

static void put_workloads(kpu_hash *hash, const kpu_space *space)
{
    for (size_t g = 0; g < space->gemm_count; g++) {
        const kpu_gemm *gemm = kpu_space_gemm(space, (int64_t)g);
        put_name(hash, kpu_space_workload_name(space, (int64_t)g));
        put_name(hash, gemm->name);
        put_number(hash, gemm->count);
        kpu_hash_put_gemm(hash, &gemm->problem);
    }
}

static void put_axes(kpu_hash *hash, const kpu_space *space)
{
    for (size_t a = 0; a < space->machine_axis_count; a++) {
        const kpu_machine_axis *axis = &space->machine_axes[a];
        put_name(hash, axis->key->section);
        put_name(hash, axis->key->name);
        put_number(hash, (int64_t)space->machine_digits.digit_of[a]);
        put_number(hash, axis->count);
        for (int64_t i = 0; i < axis->count; i++)
            put_name(hash, axis->text[i]);
    }
    for (size_t g = 0; g < space->gemm_count; g++)
        kpu_hash_put_values(hash, space, g);
}

static void put_constraints(kpu_hash *hash, const kpu_space *space)
{
    for (size_t i = 0; i < space->constraint_count; i++)
        kpu_hash_put_constraint(hash, space->constraint_texts[i]);
}

static void put_objectives(kpu_hash *hash, const kpu_space *space)
{
    for (size_t i = 0; i < space->objective_count; i++)
        put_name(hash, kpu_metric_at((size_t)space->objectives[i])->name);
}

static int hash_of(const kpu_space *space, void (*put)(kpu_hash *hash, const kpu_space *space),
                   char value[VALUE_SIZE])
{
    char text[33];
    kpu_hash *hash = kpu_hash_new();
    if (!hash)
        return KPU_E_MEMORY;
    put(hash, space);
    kpu_hash_text(hash, text);
    kpu_hash_free(hash);
    snprintf(value, VALUE_SIZE, "%s", text);
    return KPU_OK;
}

static int number_of(int64_t number, char value[VALUE_SIZE])
{
    snprintf(value, VALUE_SIZE, "%" PRId64, number);
    return KPU_OK;
}

static int word_of(const char *word, char value[VALUE_SIZE])
{
    snprintf(value, VALUE_SIZE, "%s", word);
    return KPU_OK;
}

/* ---- The parts --------------------------------------------------------------------------- */

static int value_model(const kpu_space *space, char value[VALUE_SIZE])
{
    (void)space;
    return word_of(KPU_MODEL_VERSION, value);
}

static int value_machines(const kpu_space *space, char value[VALUE_SIZE])
{
    return hash_of(space, put_machines, value);
}

static int value_workloads(const kpu_space *space, char value[VALUE_SIZE])
{
    return hash_of(space, put_workloads, value);
}

static int value_axes(const kpu_space *space, char value[VALUE_SIZE])
{
    return hash_of(space, put_axes, value);
}

static int value_constraints(const kpu_space *space, char value[VALUE_SIZE])
{
    return hash_of(space, put_constraints, value);
}

static int value_sample(const kpu_space *space, char value[VALUE_SIZE])
{
    return number_of(space->run_size < space->raw_size ? space->run_size : 0, value);
}

static int value_seed(const kpu_space *space, char value[VALUE_SIZE])
{
    snprintf(value, VALUE_SIZE, "%" PRIu64, space->seed);
    return KPU_OK;
}

static int value_search(const kpu_space *space, char value[VALUE_SIZE])
{
    return word_of(space->search.search->name, value);
}

static int value_budget(const kpu_space *space, char value[VALUE_SIZE])
{
    return number_of(space->search.budget, value);
}

static int value_population(const kpu_space *space, char value[VALUE_SIZE])
{
    return number_of(space->search.nsga2_population, value);
}

/* Their names, if there is room. */
static int value_objectives(const kpu_space *space, char value[VALUE_SIZE])
{
    size_t length = 0;
    for (size_t i = 0; i < space->objective_count; i++) {
        const char *name = kpu_metric_at((size_t)space->objectives[i])->name;
        if (length + strlen(name) + 2 > VALUE_SIZE)
            return hash_of(space, put_objectives, value);
        length += (size_t)snprintf(value + length, VALUE_SIZE - length, "%s%s", i ? "," : "", name);
    }
    return KPU_OK;
}

static int value_store(const kpu_space *space, char value[VALUE_SIZE])
{
    kpu_keep_text(space->keep, value, VALUE_SIZE);
    return KPU_OK;
}

int kpu_space_identity(const kpu_space *space, kpu_identity *out)
{
    static const struct {
        const char *name, *meaning;
        int (*value)(const kpu_space *space, char value[VALUE_SIZE]);
    } parts[KPU_IDENTITY_PARTS] = {
        {"model", "the version of the model", value_model},
        {"machines", "the machines", value_machines},
        {"workloads", "the workloads", value_workloads},
        {"axes", "the axes of the space", value_axes},
        {"constraints", "the constraints", value_constraints},
        {"sample", "the sample", value_sample},
        {"seed", "the seed", value_seed},
        {"search", "the search", value_search},
        {"budget", "the budget", value_budget},
        {"population", "the population of nsga2", value_population},
        {"objectives", "the objectives", value_objectives},
        {"store", "the choice of rows that are kept", value_store},
    };
    int code = KPU_OK;
    for (size_t i = 0; code == KPU_OK && i < KPU_IDENTITY_PARTS; i++) {
        out->part[i] = (kpu_identity_part){.name = parts[i].name, .meaning = parts[i].meaning};
        code = parts[i].value(space, out->part[i].value);
    }
    return code;
}
