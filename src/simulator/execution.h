/* Private to the executor: memories with bytes in them, the array, what happens when. */
#ifndef KPU_SRC_SIMULATOR_EXECUTION_H
#define KPU_SRC_SIMULATOR_EXECUTION_H

#include "kpu/compiler.h"
#include "kpu/execute.h"

/* Where tiles lie. SPACE_EDGE, in routes only: L1, or the registers for the stationary operand. */
enum { SPACE_DRAM, SPACE_L3, SPACE_L2, SPACE_L1, SPACE_REGISTERS, SPACES, SPACE_EDGE = SPACES };

/* What happens at one cycle, in this order: a place that is let go can be taken at once, and what
 * arrives can be used at once. A fabric that ends has taken what arrives at that cycle, and what
 * starts then finds its result. A first datum can arrive at the cycle at which its stream starts,
 * so the fabric comes last. */
enum {
    PHASE_LEFT,     /* a transfer has read the rest of its source */
    PHASE_ARRIVED,  /* all of it is at its destination */
    PHASE_COMPUTED, /* the fabric has read the rest of its operands and has its result */
    PHASE_START,    /* a transfer reads the first half, and spoils its destination */
    PHASE_FIRST,    /* the first half of a stream is at its destination */
    PHASE_COMPUTE   /* the fabric reads the first halves */
};

typedef struct execution_event {
    int64_t cycle, command;
    int32_t flight; /* of a transfer under way */
    uint8_t phase;
} execution_event;

/* Bytes of a transfer under way: read from the source, not yet at the destination. */
typedef struct execution_flight {
    char *bytes;
    int32_t next_free;
} execution_flight;

typedef struct execution {
    const kpu_schedule *schedule;
    const kpu_matrices *matrices;
    int stationary;
    int64_t skew;
    int64_t used[SPACES][KPU_OPERANDS]; /* slots that commands name, at most those there are */
    char *memory[SPACES][KPU_OPERANDS]; /* slots; DRAM: the tensors, C as partial sums */
    int64_t
        *writer[SPACES][KPU_OPERANDS]; /* of each slot, the transfer that last began to fill it */
    char *partials;                    /* sums in DRAM, if not in C's place; else NULL */
    int64_t *settled;                  /* when the result in a slot of C has left the array */
    char *work[KPU_OPERANDS];          /* what the array has taken in, as partial_dtype */
    execution_event *starts;           /* of every command, sorted */
    execution_event *heap;             /* what else will happen */
    int64_t heap_count, heap_capacity;
    execution_flight *flights;
    int64_t flight_count, flight_capacity;
    int32_t free_flight; /* -1: none */
} execution;

/* A tile in a memory: rows of bytes. */
typedef struct execution_region {
    char *bytes;
    int64_t row_bytes, pitch; /* one row is as good as many that follow one another */
    int64_t total;
} execution_region;

/* ---- execution_memory.c: places ---------------------------------------------------------- */

/* From where to where a kind of command carries its tile; the fabric carries nothing. */
typedef struct execution_route {
    uint8_t source, dest;
} execution_route;
extern const execution_route execution_routes[KPU_COMMANDS];

/* SPACE_L1 or SPACE_REGISTERS for SPACE_EDGE, every other space for itself. */
int execution_space(const execution *e, int space, int operand);
/* Bytes of an element that a command moves, as it is when it is read: C from the array comes as a
 * partial sum and is narrowed on its way out. */
int64_t execution_source_bytes(const execution *e, const kpu_command *command);
int64_t execution_dest_bytes(const execution *e, const kpu_command *command);
int64_t execution_elements(const execution *e, const kpu_command *command, int operand);
execution_region execution_source(const execution *e, const kpu_command *command);
execution_region execution_dest(const execution *e, const kpu_command *command);
char *execution_slot(const execution *e, int space, int operand, int64_t slot);
void execution_read(const execution_region *region, int64_t from, int64_t to, char *out);
void execution_write(const execution_region *region, int64_t from, int64_t to, const char *in);
void execution_spoil(const execution *e, int operand, char *bytes, int64_t count);
/* What must be nonsense before it is overwritten: the whole slot, or the tile in DRAM. */
void execution_spoil_dest(const execution *e, const kpu_command *command);
/* Who begins to fill a slot makes nonsense of what others still bring there. */
void execution_claim_dest(const execution *e, int64_t command);
bool execution_owns_dest(const execution *e, int64_t command);
/* The elements of a tile that lies as `rows` x `columns` as columns x rows. */
void execution_transpose(const char *in, int64_t rows, int64_t columns, int64_t element_bytes,
                         char *out);

/* ---- execution_setup.c ------------------------------------------------------------------- */

/* Types that fit the schedule; commands whose tiles, slots, bytes and cycles stay within bounds, so
 * that nothing that they do can leave the memories. */
int execution_check(execution *e, kpu_diag *diag);
int execution_open(execution *e, kpu_diag *diag);
void execution_close(execution *e);

/* ---- execution_fabric.c ------------------------------------------------------------------ */

/* Can the array add up products in this type? */
bool execution_can_sum(int dtype);
void execution_fabric_start(execution *e, const kpu_command *command);
void execution_fabric_end(execution *e, const kpu_command *command);

#endif
