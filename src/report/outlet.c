#include "report/outlet.h"

#include <string.h>

enum { PIECE_BYTES = 1 << 16 };

static void hand_on(outlet *out)
{
    if (!out->status && out->text.failed)
        out->status = KPU_E_MEMORY;
    if (!out->status && out->text.length > 0)
        out->status = out->sink->take(out->sink->context, out->text.data, out->text.length);
    kpu_text_clear(&out->text);
}

int outlet_pass(outlet *out)
{
    if (out->text.length >= PIECE_BYTES || out->text.failed)
        hand_on(out);
    return out->status;
}

int outlet_end(outlet *out)
{
    hand_on(out);
    kpu_text_fini(&out->text);
    return out->status;
}

void outlet_put_csv(kpu_text *text, const char *field)
{
    if (!field[strcspn(field, ",\"\r\n")]) {
        kpu_text_put(text, field);
        return;
    }
    kpu_text_put(text, "\"");
    for (; *field; field++) {
        kpu_text_put_bytes(text, "\"", *field == '"');
        kpu_text_put_bytes(text, field, 1);
    }
    kpu_text_put(text, "\"");
}
