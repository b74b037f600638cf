/* random_case.h - random machines, problems and candidates: small, odd and often tight. */
#ifndef KPU_TESTS_RANDOM_CASE_H
#define KPU_TESTS_RANDOM_CASE_H

#include "kpu/mapping.h"

#include <stdio.h>

typedef struct random_case {
    kpu_machine machine;
    kpu_problem problem;
    kpu_candidate candidate;
} random_case;

/* A stream of random numbers. */
typedef struct random_stream {
    uint64_t seed, stream, index;
} random_stream;

int64_t random_between(random_stream *random, int64_t least, int64_t most);
bool random_chance(random_stream *random, int64_t percent);

/* Case `number` of `seed`: at most 200 steps, one in fifty up to 2,000. */
void random_case_draw(uint64_t seed, uint64_t number, random_case *out);
/* The same with long loops, where most repeats: dozens of tiles a dimension, up to 20,000 steps. */
void random_case_draw_long(uint64_t seed, uint64_t number, random_case *out);
/* In three cases of eight A, B or both lie transposed: the case is changed by its number. */
void random_case_transpose(uint64_t number, random_case *c);
/* As the one line of JSON that kpu-dse eval --jsonl reads; it does not say what lies
 * transposed. */
void random_case_print(const random_case *c, FILE *file);

#endif
