/* The reader of .dfg. */
#include "fuzz/fuzz.h"
#include "fuzz/graph_round_trip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_graph(data, size, "fuzz.dfg");
    return 0;
}
