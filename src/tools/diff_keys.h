/* Private to kpu-dse diff: which candidate a row is, as a hash that is the same in both files. */
#ifndef KPU_SRC_TOOLS_DIFF_KEYS_H
#define KPU_SRC_TOOLS_DIFF_KEYS_H

#include "tools/columns.h"
#include "tools/diff.h"

enum { KPU_KEYS_BLOCK = 16384 }; /* rows read at once */

typedef struct kpu_key_hash {
    uint64_t high, low;
} kpu_key_hash;

typedef struct kpu_key_column {
    size_t column;
    const kpu_candidate_field *field; /* NULL: a hoist, the GEMM, the machine */
    int64_t *words;                   /* of the file -> those of the field; NULL: numbers */
    size_t word_count;
    kpu_metric_value *block;
} kpu_key_column;

typedef struct kpu_keys {
    kpu_results *results;
    const kpu_diff_side *side;
    bool first; /* A: its own GEMMs and machines are what both files count by */
    kpu_key_column *columns;
    size_t count;
} kpu_keys;

/* Of KPU_DIFF_A or KPU_DIFF_B. Fini in any case. */
int kpu_keys_init(kpu_keys *keys, const kpu_diff *diff, int side, kpu_diag *diag);
void kpu_keys_fini(kpu_keys *keys);
/* The rows first .. first+count-1, at most KPU_KEYS_BLOCK of them. */
int kpu_keys_read(kpu_keys *keys, int64_t first, int64_t count, kpu_diag *diag);
/* Of row `at` of those; false if its GEMM or its machine has no like in the other file. */
bool kpu_keys_hash(const kpu_keys *keys, int64_t at, kpu_key_hash *out);

#endif
