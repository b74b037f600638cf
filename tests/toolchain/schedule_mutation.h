/* schedule_mutation.h - schedules with something wrong in one command. */
#ifndef KPU_TESTS_SCHEDULE_MUTATION_H
#define KPU_TESTS_SCHEDULE_MUTATION_H

#include "kpu/schedule.h"
#include "random_case.h"

/* A copy of a schedule, and the command of it that is changed. */
typedef struct schedule_mutation {
    const char *name;
    bool is_illegal; /* always; else it may happen to be as good as before */
    bool (*apply)(kpu_schedule *copy, kpu_command *command, random_stream *random); /* false: cannot
                                                                                       be done */
} schedule_mutation;

extern const schedule_mutation schedule_mutations[];
extern const int schedule_mutation_count;
enum { SCHEDULE_MUTATIONS_MAX = 32 };

/* Applies a mutation to some command of a copy, whose commands the caller frees; everything else in
 * it is borrowed. False: there is none that it applies to. */
bool schedule_mutate(const kpu_schedule *schedule, int mutation, random_stream *random,
                     kpu_schedule *copy);

#endif
