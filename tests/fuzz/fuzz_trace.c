/* The reader of traces: the same answer in one piece and in many; what is read is printed. */
#include "fuzz/fuzz.h"
#include "kpu/report.h"

#include <stdlib.h>
#include <string.h>

static int read_pieces(const uint8_t *data, size_t size, size_t piece, kpu_text *out)
{
    kpu_trace_stats *stats = NULL;
    kpu_diag diag = {0};
    int status = kpu_trace_stats_new("fuzz", &diag, &stats);
    for (size_t at = 0; !status && at < size; at += piece)
        status = kpu_trace_stats_add(stats, (const char *)data + at,
                                     size - at < piece ? size - at : piece);
    if (!status)
        status = kpu_trace_stats_finish(stats);
    if ((status == KPU_OK) != (diag.count == 0))
        abort();
    if (!status) {
        kpu_trace_stats_put_json(stats, out);
        kpu_trace_stats_put_text(stats, out);
    }
    kpu_trace_stats_free(stats);
    kpu_diag_fini(&diag);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kpu_text whole = {0}, pieces = {0};
    if (read_pieces(data, size, size + 1, &whole) != read_pieces(data, size, 3, &pieces))
        abort();
    if (whole.length != pieces.length ||
        (whole.length > 0 && memcmp(whole.data, pieces.data, whole.length) != 0))
        abort();
    kpu_text_fini(&whole);
    kpu_text_fini(&pieces);
    return 0;
}
