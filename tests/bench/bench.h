/* Shared by the parts of kpu-bench. */
#ifndef KPU_TESTS_BENCH_BENCH_H
#define KPU_TESTS_BENCH_BENCH_H

#include "kpu/explorer.h"

/* How much is measured. */
typedef struct bench {
    int repeats;      /* the best of them counts */
    double seconds;   /* of processor time for the candidates of one dataflow, fast-forwarded */
    int plain_sample; /* of them that are begun plainly */
    int tile_step;    /* of the searched 1024^3 spaces */
    bool searches_long, searches_layers; /* runs of seconds, of half a minute */
    int threads;
    int64_t rows_first, rows_last; /* of the files that are written, in powers of ten */
    kpu_machine machine;
} bench;

/* A part of the benchmark, or of a part; complaints go to `diag`. */
typedef int (*bench_function)(const bench *b, const void *context, kpu_diag *diag);

int bench_memory(const bench *b, const void *unused, kpu_diag *diag);
int bench_speed(const bench *b, const void *unused, kpu_diag *diag);
int bench_exact(const bench *b, const void *unused, kpu_diag *diag);
int bench_threads(const bench *b, const void *unused, kpu_diag *diag);
int bench_writing(const bench *b, const void *unused, kpu_diag *diag);
int bench_commits(const bench *b, const void *unused, kpu_diag *diag);
int bench_ranks(const bench *b, const void *unused, kpu_diag *diag);
int bench_toolchain(const bench *b, const void *unused, kpu_diag *diag);

/* Calls it in a process of its own, which starts with few threads and little memory. */
int bench_in_child(bench_function function, const bench *b, const void *context, kpu_diag *diag);

/* A sweep with other objectives; `step`, if not 0, is that of its tiles. */
int bench_load_space(const char *path, const char *wanted, int step, kpu_space **out,
                     kpu_diag *diag);

double bench_seconds(clockid_t clock);
int64_t bench_peak_kib(void); /* of this process, since it began */

#endif
