/* Private to the simulator: the parts of kpu_schedule_make. First every command is written down
 * with what it waits for (schedule_emit.c); that order depends on no time. Then the commands are
 * timed, in order (schedule_time.c) or as the queues of eddo take them (schedule_eddo.c). */
#ifndef KPU_SRC_SIMULATOR_SCHEDULE_BUILD_H
#define KPU_SRC_SIMULATOR_SCHEDULE_BUILD_H

#include "kpu/schedule.h"

/* Every command of the mapping with its waits, without engines and times. KPU_OK, KPU_E_MEMORY,
 * KPU_E_RANGE with a complaint. What was allocated belongs to *schedule in any case. */
int schedule_emit(kpu_schedule *schedule, const kpu_schedule_options *options, kpu_diag *diag);

/* Times one command on an engine that is free from `engine_free` on: all that it waits for has
 * its times. KPU_E_RANGE: beyond what 64 bits hold. */
int schedule_time_command(kpu_schedule *schedule, kpu_command *command, int64_t engine_free);

/* Engines and times of all commands. */
int schedule_time_iddo(kpu_schedule *schedule);
int schedule_time_eddo(kpu_schedule *schedule);

#endif
