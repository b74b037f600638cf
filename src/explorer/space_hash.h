/* The lines of text over which a space is hashed. */
#ifndef KPU_EXPLORER_SPACE_HASH_H
#define KPU_EXPLORER_SPACE_HASH_H

#include "explorer/space.h"

void kpu_hash_put_machine(kpu_hash *hash, const kpu_machine *machine); /* but its name */
void kpu_hash_put_gemm(kpu_hash *hash, const kpu_problem *problem);
void kpu_hash_put_values(kpu_hash *hash, const kpu_space *space, size_t gemm);
void kpu_hash_put_constraint(kpu_hash *hash, const char *text);

#endif
