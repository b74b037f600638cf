/* tiling_answer.h - answers of tiling strategies, looked at by code of their own. */
#ifndef KPU_TESTS_TILING_ANSWER_H
#define KPU_TESTS_TILING_ANSWER_H

#include "kpu/metrics.h"
#include "kpu/tiling.h"

/* What a person would compare, in the order of kpu/tiling.h, all to be minimised. */
typedef struct tiling_score {
    bool fits;
    double key[6];
} tiling_score;

tiling_score tiling_score_of(kpu_simulator *simulator, const kpu_tiling_question *question,
                             const kpu_candidate *candidate);
/* -1, 0, 1; what does not fit is worst. */
int tiling_score_compare(const tiling_score *a, const tiling_score *b);
bool tiling_is_within_limits(const kpu_tiling_question *question, const int64_t tile[KPU_DIMS]);
/* NULL if it is what a strategy may answer: the tile keeps to the limits and fits, and what it says
 * of the objective is true. */
const char *tiling_answer_error(const kpu_tiling_question *question, const kpu_tiling *answer,
                                const tiling_score *score);

#endif
