/* Private to the check of schedules. It shares nothing with what makes and times them: neither
 * their waits nor their rings. It looks at each command as it stands (schedule_check_shape.c), lays
 * the commands beside the nest (schedule_check_nest.c), and follows tiles through slots in the
 * order of time (schedule_check_places.c). */
#ifndef KPU_SRC_SIMULATOR_SCHEDULE_CHECK_H
#define KPU_SRC_SIMULATOR_SCHEDULE_CHECK_H

#include "kpu/compiler.h"
#include "kpu/schedule.h"

enum { PLACE_DRAM, PLACE_L3, PLACE_L2, PLACE_L1, PLACE_REGISTERS, PLACES };

/* A slot, or a tile of C in DRAM: what is in it, since when, and until when it is read. */
typedef struct check_place {
    int64_t tile;           /* -1: nothing */
    int64_t sums;           /* steps of k that a tile of C has in it */
    int64_t first, ready;   /* its first datum, all of it has arrived */
    int64_t settled;        /* its result can leave the array */
    int64_t read_until;     /* by `reader` */
    int64_t writer, reader; /* commands; -1: none */
} check_place;

typedef struct check {
    const kpu_schedule *schedule;
    kpu_program program;
    kpu_diag *diag;
    int errors;
    int64_t *sums;                              /* of each command: steps of k that the tile of C
                                                   has when it is carried; FAB: before it */
    int64_t *order;                             /* commands by start; transfers first */
    int64_t used[PLACES][KPU_OPERANDS];         /* places that commands name */
    check_place *places[PLACES][KPU_OPERANDS];  /* NULL: A and B in DRAM */
    int64_t *engine_free[KPU_ENGINE_CLASSES];   /* of each engine */
    int64_t *engine_latest[KPU_ENGINE_CLASSES]; /* the command that keeps it */
} check;

/* Complains about a command, at most KPU_SCHEDULE_ERRORS_MAX times. */
void check_complain(check *c, int64_t command, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool check_is_full(const check *c);

/* From where to where a command carries its tile: PLACE_*. FAB: from and to where C is. */
typedef struct check_route {
    int source, dest;
} check_route;
check_route check_route_of(const check *c, const kpu_command *command);
/* Where the array finds an operand. */
int check_edge_of(const check *c, int operand);
const char *check_place_name(int place); /* "l3" */
/* Number of an operand's tile among all. */
int64_t check_tile_number(const check *c, const kpu_command *command, int operand);

/* Kind, tile, bytes, slots, engine and durations of each command; memories within the machine. */
void check_shapes(check *c);
/* The steps in the order of the nest, as far as they go; fills sums[]. */
void check_nest(check *c);
/* What every command finds where it reads, and destroys where it writes. */
int check_places(check *c);

#endif
