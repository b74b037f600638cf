/* Private to the simulator: walks the nest of a program sweep by sweep (one sweep is all
 * iterations of the innermost loop) and tells, per operand and level, when a window is renewed,
 * when a tile is used for the first time in it, and which ring slot a tile lies in.
 *
 * Two facts make it cheap. A tile's first use in its window is the step at which all irrelevant
 * loops inside the window are zero, in the first lap over it. And all steps of a sweep but the
 * first behave alike, so that everything is decided twice a sweep, not at every step. */
#ifndef KPU_SRC_SIMULATOR_WALK_H
#define KPU_SRC_SIMULATOR_WALK_H

#include "kpu/compiler.h"

enum { WALK_LAST = KPU_NEST - 1 };

/* A ring of slots and the current window in it. Tiles are numbered by first use over the whole
 * run; tile q lies in slot q mod slots. */
typedef struct walk_window {
    const kpu_program_window *program;
    int64_t slots;
    int64_t base_slot, head_slot; /* slot of the window's first tile; slot of the next new tile */
    int64_t base_number, next_number; /* their numbers in the run */
    int64_t line;                     /* index in the window of the tile at the sweep's start */
    int64_t stride[KPU_NEST];         /* of each tile loop in that index */
    int64_t block_line;               /* what the block loops contribute */
    bool lap_fresh;                   /* no tile of this lap has been used in this window before */
    bool first[2];                    /* first use at the sweep's first step, at its others */
} walk_window;

typedef struct walk {
    const kpu_program *program;
    int64_t index[KPU_NEST], trips[KPU_NEST];
    unsigned multi;   /* loops with more than one trip now */
    unsigned nonzero; /* loops whose index is not zero */
    unsigned windows; /* which of window[] are kept up: bit operand * 2 + level */
    walk_window window[KPU_OPERANDS * KPU_HOIST_LEVELS];
    int changed;         /* position that advanced to reach this sweep; -1 at the start */
    int next;            /* position that will advance after it; -1 at the end */
    bool run_begins;     /* the stationary tile is new at this sweep */
    bool run_ends;       /* ... and leaves after it */
    unsigned edges;      /* edge mask of all steps but the last of this sweep */
    unsigned last_edges; /* edge mask of its last step */
    int64_t used_tiles[KPU_OPERANDS * KPU_HOIST_LEVELS][KPU_NEST];
} walk;

/* To the first sweep; `windows` as in the struct. */
void walk_start(walk *w, const kpu_program *program, unsigned windows);
/* To the next sweep; false at the end of the run. */
bool walk_advance(walk *w);

static inline int walk_bit(int operand, int level)
{
    return operand * KPU_HOIST_LEVELS + level;
}
static inline walk_window *walk_of(walk *w, int operand, int level)
{
    return &w->window[walk_bit(operand, level)];
}

/* Slot of the tile used at iteration `i` of the sweep; a first use takes the next slot. */
static inline int64_t walk_new_slot(walk_window *v)
{
    int64_t slot = v->head_slot;
    v->head_slot = slot + 1 == v->slots ? 0 : slot + 1;
    v->next_number++;
    return slot;
}
static inline int64_t walk_old_slot(const walk_window *v, int64_t i)
{
    int64_t slot = v->base_slot + v->line + i * v->stride[WALK_LAST];
    return slot >= v->slots ? slot - v->slots : slot;
}
/* A window of hoist 6 over a relevant innermost loop is renewed at every step. */
static inline void walk_step_window(walk_window *v, int64_t i)
{
    if (i && v->program->hoist == KPU_NEST && v->first[1]) {
        v->base_slot = v->head_slot;
        v->base_number = v->next_number;
    }
}
/* The slot of the tile used at iteration i, whether new (*is_first) or not. */
static inline int64_t walk_slot(walk_window *v, int64_t i, bool *is_first)
{
    *is_first = v->first[i != 0];
    if (!*is_first)
        return walk_old_slot(v, i);
    walk_step_window(v, i);
    return walk_new_slot(v);
}

/* The same as a number in the run, for who keeps tiles by number. */
static inline int64_t walk_tile_number(walk_window *v, int64_t i, bool *is_first)
{
    *is_first = v->first[i != 0];
    if (!*is_first)
        return v->base_number + v->line + i * v->stride[WALK_LAST];
    walk_step_window(v, i);
    walk_new_slot(v);
    return v->next_number - 1;
}

/* A reader that takes a tile anew whenever its own window, at hoist `reader`, is renewed; or at
 * every step. Does it take the operand's tile of iteration i of this sweep again before the window
 * at hoist `window` is renewed? */
enum { WALK_EVERY_STEP = KPU_NEST + 1 };
bool walk_taken_again(const walk *w, int operand, int64_t i, int window, int reader);

/* How many tiles before it, in C's numbering at L3, the tile that comes back at iteration `i` of
 * this sweep was there last. The sweep's tile must be a first use in its L3 window, and not C's
 * first visit of the run. */
int64_t walk_revisit_distance(const walk *w, int64_t i);

/* Number of the tile used at iteration i of the sweep, without using it. */
static inline int64_t walk_peek_number(const walk_window *v, int64_t i)
{
    return v->first[i != 0] ? v->next_number : v->base_number + v->line + i * v->stride[WALK_LAST];
}
/* At most how many consecutive tiles of the ring one iteration of the loop at `position` uses. */
static inline int64_t walk_used_tiles(const walk *w, const walk_window *v, int position)
{
    return w->used_tiles[v - w->window][position];
}
/* At the start of an iteration of the loop at `position`, not its first: does it use only tiles
 * that the window holds already? */
static inline bool walk_is_resident(const walk *w, const walk_window *v, int position)
{
    unsigned inside = ~((1u << position) - 1);
    return !v->first[position == WALK_LAST] && !(v->program->relevant_outside & w->multi & inside);
}

/* How far the numbering of each window has come. */
typedef struct walk_numbers {
    int64_t next[KPU_OPERANDS * KPU_HOIST_LEVELS], base[KPU_OPERANDS * KPU_HOIST_LEVELS];
} walk_numbers;
void walk_note_numbers(const walk *w, walk_numbers *out);
/* At the first sweep of an iteration of the loop at `position`, given the numbers at that of
 * `iterations` before: repeats what lies between them `times` times, and stands at the sweep after
 * that; false if there is none. With WALK_LAST the same within a sweep; the iteration is then the
 * caller's. */
bool walk_repeat(walk *w, const walk_numbers *earlier, int position, int64_t iterations,
                 int64_t times);
/* To the sweep at `index`, in iterations that are like the present ones. How far the numbering has
 * come is the caller's. */
void walk_place(walk *w, const int64_t index[KPU_NEST]);
/* Does the last iteration of the loop at `position`, not the innermost, differ in nothing from
 * those before it? */
bool walk_last_is_alike(const walk *w, int position);
/* At the first sweep of an iteration of the loop at `position`: stands at what comes after that
 * iteration, given the numbers at such an iteration and those after it. False: nothing does. */
bool walk_redo(walk *w, const walk_numbers *found, const walk_numbers *left, int position);
/* Iterations of the loop at `position` that begin now and have the same shape emit the same
 * commands, if the walk is regular. */
uint64_t walk_shape(const walk *w, int position);
bool walk_is_regular(const walk *w);
/* C tiles come back to a level that they have left, in some iteration. */
bool walk_c_returns(const kpu_program *program, int level);

/* C's situation, constant over a sweep unless k is the innermost loop. */
static inline bool walk_k_started(const walk *w) /* at the sweep's first step */
{
    return (w->nonzero & ~(unsigned)w->program->relevant[KPU_C]) != 0;
}
/* At the sweep's last step: all k steps are done. */
bool walk_k_finished(const walk *w);

#endif
