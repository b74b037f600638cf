/* Private to the report: the memory at each end of a command, as data. */
#ifndef KPU_SRC_REPORT_SCHEDULE_PLACES_H
#define KPU_SRC_REPORT_SCHEDULE_PLACES_H

#include "kpu/report.h"

enum { PLACE_DRAM, PLACE_L3, PLACE_L2, PLACE_L1, PLACE_REGISTERS, PLACES, PLACE_NONE = PLACES };
extern const char *const place_names[PLACES];

/* PLACE_* that a command takes from or puts to; PLACE_NONE: FAB. */
int place_of_command(const kpu_command *command, int side);
/* Slot there; -1: DRAM, or FAB. */
int64_t place_slot(const kpu_command *command, int side);
/* Slots of an operand in a memory that is not the DRAM. */
int64_t place_slots(const kpu_schedule *schedule, int place, int operand);
/* "L3.A[0]", "registers.C[1]", "DRAM"; "" for FAB. */
void place_put(kpu_text *text, const kpu_command *command, int side);
/* Where an operand lies while the fabric works on it. */
int place_in_array(const kpu_schedule *schedule, int operand);

extern const char place_operand_letters[KPU_OPERANDS]; /* 'A', 'B', 'C' */

#endif
