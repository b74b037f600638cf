/* A set of numbers >= 0, here: the points that a search has evaluated. */
#ifndef KPU_EXPLORER_ID_SET_H
#define KPU_EXPLORER_ID_SET_H

#include "kpu/base.h"

/* Zeroed: empty. 16 to 32 bytes a number. */
typedef struct kpu_id_set {
    int64_t *slots; /* the number + 1; 0: free */
    size_t count, capacity;
} kpu_id_set;

/* Sets *added to false if it was there already. KPU_OK or KPU_E_MEMORY. */
int kpu_id_set_add(kpu_id_set *set, int64_t id, bool *added);
bool kpu_id_set_has(const kpu_id_set *set, int64_t id);
void kpu_id_set_fini(kpu_id_set *set);

#endif
