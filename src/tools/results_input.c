#include "tools/results_input.h"

int kpu_tool_open_results(const char *path, kpu_results **out, kpu_diag *diag)
{
    const kpu_place place = {.file = path};
    kpu_store_state state;
    *out = NULL;
    kpu_store_probe(path, &state);
    if (state.is_finished || !state.is_partial)
        return kpu_results_open(path, out, diag);
    return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                           "is not finished%s; what there is of it is in %s.partial, and kpu-dse "
                           "watch %s shows how far it is",
                           state.is_written ? "" : ", and nobody writes it", path, path);
}
