/* reference_parts.h - what the files of the reference implementation share. */
#ifndef KPU_TESTS_REFERENCE_PARTS_H
#define KPU_TESTS_REFERENCE_PARTS_H

#include "reference.h"

#define REF_NONE SIZE_MAX

/* One iteration of the whole nest. */
typedef struct ref_step {
    int64_t index[KPU_NEST];  /* of each loop */
    int64_t tile[KPU_DIMS];   /* number of the tile along each dimension */
    int64_t extent[KPU_DIMS]; /* its true size */
} ref_step;

typedef struct ref_nest {
    const kpu_machine *machine;
    const kpu_problem *problem;
    const kpu_candidate *candidate;
    int64_t tile[KPU_DIMS], block[KPU_DIMS], tiles[KPU_DIMS];
    int loop_dim[KPU_NEST];
    ref_step *steps;
    size_t step_count;
} ref_nest;

/* A tile that came to a level for one window; numbered in order of first use. */
typedef struct ref_arrival {
    int64_t tile;      /* of the operand */
    size_t first_step; /* of its use in this window */
    size_t end_step;   /* last step of the window */
    bool fresh;        /* C: the tile was never used before */
    bool final;        /* C: by end_step its last k is accumulated */
} ref_arrival;

/* What operand X at hoist p does at a level over the whole run. */
typedef struct ref_residence {
    ref_arrival *arrivals;
    size_t arrival_count;
    size_t *arrival_of_step; /* which arrival each step uses */
    int64_t window_tiles;    /* W */
    int64_t load_bytes, store_bytes;
} ref_residence;

typedef enum ref_moment {
    REF_FIRST_DATUM, /* start + latency */
    REF_BUSY_END,    /* start + occ; of a FAB its end */
    REF_READY,       /* start + occ + latency */
    REF_SKEWED_END   /* of a FAB: end + skew */
} ref_moment;

enum { REF_SOURCE = -1 };

typedef struct ref_wait {
    size_t command; /* an earlier one */
    ref_moment moment;
    int slot; /* KPU_STALL_*_SLOTS, or REF_SOURCE */
    int operand;
} ref_wait;

typedef struct ref_command {
    int kind, operand, engine_class;
    int64_t bytes;
    int64_t duration; /* occ; of a FAB its compute */
    int64_t latency;
    size_t first_wait, wait_count;
    size_t streams[KPU_OPERANDS]; /* FAB: this step's streams in, or REF_NONE */
    bool started;
    int64_t start, end; /* end: busy until then */
    size_t engine;
} ref_command;

typedef struct ref_program {
    ref_command *commands;
    size_t command_count, command_capacity;
    ref_wait *waits;
    size_t wait_count, wait_capacity;
    int64_t skew;
} ref_program;

void *ref_allocate(size_t count, size_t size);
void *ref_grow(void *array, size_t *capacity, size_t count, size_t size);
int64_t ref_ceil_div(int64_t a, int64_t b);
int64_t ref_min(int64_t a, int64_t b);
int64_t ref_max(int64_t a, int64_t b);

/* reference_nest.c */
bool ref_nest_make(ref_nest *nest);
void ref_nest_fini(ref_nest *nest);
bool ref_is_relevant(int operand, int dim);
int64_t ref_tile_id(const ref_nest *nest, int operand, const ref_step *step);
/* Bytes of the operand's tile of a step; C at eP, or at eC if `final`. */
int64_t ref_tile_bytes(const ref_nest *nest, int operand, const ref_step *step, bool final);
void ref_residence_make(const ref_nest *nest, int operand, int64_t hoist, ref_residence *out);
void ref_residence_fini(ref_residence *residence);
void ref_choose_residency(const ref_nest *nest, ref_result *result);
int64_t ref_passes(const ref_nest *nest, const int64_t extent[KPU_DIMS]);
int64_t ref_pieces(const ref_nest *nest, int dim, const int64_t extent[KPU_DIMS]);

/* reference_commands.c: every command and what it waits for; bytes and counts of the result */
void ref_program_make(const ref_nest *nest, ref_result *result, ref_program *out);
void ref_program_fini(ref_program *program);

/* reference_time.c: when each command runs; cycles, busy and stalls of the result */
void ref_program_time(const ref_nest *nest, ref_program *program, ref_result *result);
int64_t ref_wait_time(const ref_program *program, const ref_wait *wait);
int64_t ref_last_wait(const ref_program *program, const ref_command *command);
/* reference_stalls.c */
void ref_program_attribute(const ref_program *program, ref_result *result);

#endif
