/* test_reference.c - the library against the reference implementation: on the published cases,
 * and on random ones.   test_reference [CASES [SEED]]
 * or, to look into a difference, on the cases of a file:  test_reference FILE.jsonl */
#include "compare.h"
#include "kpu/report.h"
#include "random_case.h"

#include <stdlib.h>
#include <string.h>

static const char *const vector_files[] = {KPU_SOURCE_DIR "/tests/vectors/small.jsonl",
                                           KPU_SOURCE_DIR "/tests/vectors/medium.jsonl"};

typedef struct tally {
    long cases, fitting, differing, mistaken;
} tally;

static void check_case(kpu_simulator *simulator, const random_case *c, tally *sum)
{
    kpu_result got;
    ref_result want;
    int code = kpu_evaluate(simulator, &c->machine, &c->problem, &c->candidate, &got);
    ref_evaluate(&c->machine, &c->problem, &c->candidate, &want);
    sum->cases++;
    sum->fitting += !want.broken;
    if (code != KPU_OK) {
        printf("kpu_evaluate: %s\n", kpu_error_text(code));
        sum->differing++;
        random_case_print(c, stdout);
    } else if (compare_results(&c->machine, &got, &want, NULL)) {
        sum->differing++;
        if (sum->differing <= 10) {
            compare_results(&c->machine, &got, &want, stdout);
            random_case_print(c, stdout);
        }
    }
    ref_result_fini(&want);
}

static void check_file(kpu_simulator *simulator, const char *path, tally *sum)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;
    FILE *file = fopen(path, "r");
    if (!file) {
        perror(path);
        sum->mistaken++;
        return;
    }
    while ((length = getline(&line, &capacity, file)) > 0) {
        random_case c;
        kpu_diag diag = {0};
        if (kpu_case_parse(line, (size_t)length, &c.machine, &c.problem, &c.candidate, &diag)) {
            printf("%s: a case that cannot be read\n", path);
            sum->mistaken++;
        } else {
            check_case(simulator, &c, sum);
        }
        kpu_diag_fini(&diag);
    }
    free(line);
    fclose(file);
}

static bool report(const char *what, const tally *sum)
{
    printf("%s: %ld cases, %ld fit, %ld differ\n", what, sum->cases, sum->fitting, sum->differing);
    return sum->cases > 0 && !sum->differing && !sum->mistaken;
}

static void check_random(kpu_simulator *simulator, uint64_t seed, long count, tally *sum)
{
    for (long i = 0; i < count; i++) {
        random_case c;
        random_case_draw(seed, (uint64_t)i, &c);
        random_case_transpose((uint64_t)i, &c);
        check_case(simulator, &c, sum);
    }
}

int main(int argc, char **argv)
{
    kpu_simulator *simulator = kpu_simulator_new();
    tally given = {0}, published = {0}, random = {0};
    bool good;
    if (!simulator)
        return 1;
    if (argc > 1 && strstr(argv[1], ".jsonl")) {
        check_file(simulator, argv[1], &given);
        good = report(argv[1], &given);
    } else {
        for (size_t i = 0; i < sizeof vector_files / sizeof vector_files[0]; i++)
            check_file(simulator, vector_files[i], &published);
        check_random(simulator, argc > 2 ? strtoull(argv[2], NULL, 10) : 1,
                     argc > 1 ? atol(argv[1]) : 2000, &random);
        good = report("published", &published);
        good = report("random", &random) && good;
    }
    kpu_simulator_free(simulator);
    return good ? 0 : 1;
}
