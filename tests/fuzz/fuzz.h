/* What a fuzz target is: a reader of bytes that must neither crash nor leak nor hang. */
#ifndef KPU_TESTS_FUZZ_H
#define KPU_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
