/* How the points of a run are cut into units: what kpu_explore hands out. */
#ifndef KPU_EXPLORER_UNITS_H
#define KPU_EXPLORER_UNITS_H

#include "explorer/ahead.h"

enum { KPU_UNIT_POINTS = 16 };

typedef struct kpu_units {
    int64_t first, total; /* points of the shard: those that are done already, all */
    int64_t block;        /* of the shard; 0: it has all points of the run */
    kpu_shard shard;
} kpu_units;

int64_t kpu_units_count(const kpu_units *units);
/* The first point of the shard in a unit, and the first behind it. */
int64_t kpu_units_begin(const kpu_units *units, int64_t unit);
int64_t kpu_units_end(const kpu_units *units, int64_t unit);
/* The number in the run of point `local` of the shard. */
int64_t kpu_units_number(const kpu_units *units, int64_t local);

/* What became of a unit. */
typedef struct kpu_unit {
    int64_t end;               /* the first point that was not tried, or failed */
    uint16_t candidates;       /* bit n: point n of the unit is one, and was evaluated */
    size_t count;              /* of these */
    kpu_row *rows;             /* KPU_UNIT_POINTS */
    kpu_metric_value *metrics; /* of these rows, row-major */
} kpu_unit;

typedef struct kpu_unit_options {
    const kpu_space *space;
    kpu_simulator *simulator; /* may be NULL: KPU_E_MEMORY if it is needed */
    kpu_result *result;       /* scratch */
    kpu_ahead *ahead;         /* may be NULL */
    bool (*is_cancelled)(void *context);
    void *context;
} kpu_unit_options;

/* Evaluates the points of a unit up to the first that fails, whose error it returns, or until it is
 * cancelled: KPU_E_INTERRUPTED. */
int kpu_unit_evaluate(const kpu_units *units, int64_t unit, const kpu_unit_options *options,
                      kpu_unit *out);
/* Between ranks. */
void kpu_unit_encode(const kpu_units *units, int64_t unit, const kpu_unit *done, kpu_text *out);
/* False: that is none. Allocates nothing. */
bool kpu_unit_decode(const kpu_units *units, int64_t unit, const kpu_space *space,
                     kpu_reader *reader, kpu_unit *out);

#endif
