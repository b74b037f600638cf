/* Results that are ahead of the rows. Rows are handed over in order, so one candidate that takes a
 * minute holds back all that others find meanwhile; a process that is killed then would lose it.
 * So evaluations that took long are noted here, given to the caller as bytes whenever it is told
 * of progress, and dropped when their rows were handed over. A search that goes on gets the bytes
 * back, and takes results from there instead of evaluating again.
 *
 * Any thread notes and recalls; the rest is the leading thread's. All take NULL. */
#ifndef KPU_EXPLORER_AHEAD_H
#define KPU_EXPLORER_AHEAD_H

#include "explorer/message.h"

typedef struct kpu_ahead kpu_ahead;

/* NULL: out of memory. */
kpu_ahead *kpu_ahead_new(const kpu_space *space);
void kpu_ahead_free(kpu_ahead *ahead);
/* What an earlier process gave away. KPU_OK, KPU_E_MEMORY, or KPU_E_INPUT: not all of it is. */
int kpu_ahead_load(kpu_ahead *ahead, const void *bytes, size_t size);

/* The metrics of this point, if they are known. */
bool kpu_ahead_recall(kpu_ahead *ahead, int64_t index, kpu_metric_value *metrics);
/* The clock, in ns, before an evaluation; and after it. */
int64_t kpu_ahead_begin(const kpu_ahead *ahead);
void kpu_ahead_note(kpu_ahead *ahead, int64_t index, const kpu_metric_value *metrics,
                    int64_t began);
/* What waits, however long it took: of another rank, say. */
void kpu_ahead_keep(kpu_ahead *ahead, int64_t index, const kpu_metric_value *metrics);

/* Its row was handed over. */
void kpu_ahead_settle(kpu_ahead *ahead, int64_t index);
/* All that is there; they stay until the next call. False: as they were, or out of memory. */
bool kpu_ahead_write(kpu_ahead *ahead, kpu_text *out);

#endif
