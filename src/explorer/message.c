#include "explorer/message.h"

#include <inttypes.h>

int kpu_message_identity(const kpu_space *space, char out[KPU_MESSAGE_IDENTITY])
{
    kpu_text text = {0};
    char hash[33];
    const int64_t order = 1; /* as bytes: tells machines apart that order them differently */
    int code = kpu_space_hash(space, hash);
    kpu_text_format(&text, "messages 1 model %s space %s size %" PRId64 " of %" PRId64,
                    KPU_MODEL_VERSION, hash, kpu_space_run_size(space), kpu_space_raw_size(space));
    kpu_text_format(&text, " seed %" PRIu64 " metrics %zu objectives", kpu_space_seed(space),
                    kpu_metric_count());
    for (size_t i = 0; i < kpu_space_objective_count(space); i++)
        kpu_text_format(&text, " %d", kpu_space_objective(space, i));
    kpu_text_put_bytes(&text, (const char *)&order, sizeof order);
    if (code == KPU_OK && text.failed)
        code = KPU_E_MEMORY;
    if (code == KPU_OK)
        kpu_hash_hex(text.data, text.length, out);
    kpu_text_fini(&text);
    return code;
}
