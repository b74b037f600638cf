/* kpu-bench: what an evaluation, a search and a worker cost. A measurement, not a test: the best of
 * several repeats, as machines are shared and noisy. docs/performance.md says what each part shows.
 *
 *     kpu-bench [--quick | --smoke] [--threads N] [PART...] */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

static const bench full = {.repeats = 3,
                           .seconds = 0.3,
                           .plain_sample = 16,
                           .tile_step = 16,
                           .searches_long = true,
                           .searches_layers = true,
                           .threads = 2,
                           .rows_first = 100000,
                           .rows_last = 10000000};
static const bench quick = {.repeats = 2,
                            .seconds = 0.1,
                            .plain_sample = 8,
                            .tile_step = 16,
                            .searches_long = true,
                            .threads = 2,
                            .rows_first = 100000,
                            .rows_last = 1000000};
static const bench smoke = {.repeats = 1,
                            .seconds = 1e-3,
                            .plain_sample = 1,
                            .tile_step = 64,
                            .threads = 2,
                            .rows_first = 10000,
                            .rows_last = 10000};

static const struct part {
    const char *name;
    bench_function run;
} parts[] = {{"memory", bench_memory},   {"speed", bench_speed},        {"exact", bench_exact},
             {"threads", bench_threads}, {"writing", bench_writing},    {"commits", bench_commits},
             {"ranks", bench_ranks},     {"toolchain", bench_toolchain}};
enum { PARTS = sizeof parts / sizeof *parts };

double bench_seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int64_t bench_peak_kib(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

static void show(const kpu_diag *diag)
{
    char *text = diag->count ? kpu_diag_render(diag) : NULL;
    if (text)
        fprintf(stderr, "%s\n", text);
    free(text);
}

int bench_in_child(bench_function function, const bench *b, const void *context, kpu_diag *diag)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        kpu_diag own;
        kpu_diag_init(&own);
        int code = function(b, context, &own);
        show(&own);
        fflush(stdout);
        _exit(code == KPU_OK ? 0 : 1);
    }
    int status;
    if (child < 0 || waitpid(child, &status, 0) < 0)
        return kpu_diag_add(diag, KPU_E_IO, "cannot run a part of the benchmark");
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? KPU_OK : KPU_E_INTERNAL;
}

static void print_machine(void)
{
    char line[256], model[256] = "unknown processor";
    FILE *info = fopen("/proc/cpuinfo", "r");
    while (info && fgets(line, sizeof line, info))
        if (sscanf(line, "model name : %255[^\n]", model) == 1)
            break;
    if (info)
        fclose(info);
    printf("%ld cores, %s\n", sysconf(_SC_NPROCESSORS_ONLN), model);
}

static bool is_chosen(const struct part *part, char **names)
{
    bool all = !*names;
    for (; *names; names++)
        all = all || strcmp(*names, part->name) == 0;
    return all;
}

static int usage(void)
{
    fprintf(stderr, "usage: kpu-bench [--quick | --smoke] [--threads N] [PART...]\nparts:");
    for (int i = 0; i < PARTS; i++)
        fprintf(stderr, " %s", parts[i].name);
    fprintf(stderr, "\n");
    return KPU_E_USAGE;
}

/* What is left of argv are the names of parts. */
static int parse(int argc, char **argv, bench *b)
{
    static const struct option options[] = {{"quick", no_argument, NULL, 'q'},
                                            {"smoke", no_argument, NULL, 's'},
                                            {"threads", required_argument, NULL, 't'},
                                            {NULL, 0, NULL, 0}};
    long threads = full.threads;
    *b = full;
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        char *end = "";
        if (o == 't')
            threads = strtol(optarg, &end, 10);
        if (o == '?' || *end || threads < 1 || threads > 256)
            return usage();
        if (o != 't')
            *b = o == 'q' ? quick : smoke;
    }
    b->threads = (int)threads;
    for (char **name = argv + optind; *name; name++) {
        int i = 0;
        while (i < PARTS && strcmp(parts[i].name, *name) != 0)
            i++;
        if (i == PARTS)
            return usage();
    }
    return KPU_OK;
}

int main(int argc, char **argv)
{
    bench b;
    kpu_diag diag;
    kpu_diag_init(&diag);
    int code = parse(argc, argv, &b);
    if (code == KPU_OK)
        code = kpu_machine_load(KPU_SOURCE_DIR "/configs/default.ini", &b.machine, &diag);
    if (code == KPU_OK)
        print_machine();
    for (int i = 0; code == KPU_OK && i < PARTS; i++)
        if (is_chosen(&parts[i], argv + optind)) {
            printf("\n");
            code = bench_in_child(parts[i].run, &b, NULL, &diag);
        }
    show(&diag);
    kpu_diag_fini(&diag);
    return kpu_error_exit_code(code);
}
