/* random_space.h - random sweeps on random machines: spaces small enough to enumerate. */
#ifndef KPU_TESTS_RANDOM_SPACE_H
#define KPU_TESTS_RANDOM_SPACE_H

#include "kpu/explorer.h"
#include "random_case.h"

enum { RANDOM_MACHINES = 2, RANDOM_TEXT = 8192 };

/* As text, so that a failure can be tried by hand: write the parts to files of these names. */
typedef struct random_space {
    char machine[RANDOM_MACHINES][RANDOM_TEXT]; /* m0.ini, m1.ini */
    size_t machines;
    char sweep[RANDOM_TEXT];
} random_space;

/* Space `number` of `seed`, with at most `limit` points. */
void random_space_draw(uint64_t seed, uint64_t number, int64_t limit, random_space *out);
/* The space, or NULL: then complaints are on stderr. */
kpu_space *random_space_make(const random_space *what);
void random_space_print(const random_space *what, FILE *file);

#endif
