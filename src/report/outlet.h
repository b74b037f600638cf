/* Private to the report: a long text on its way to a sink, a piece at a time. */
#ifndef KPU_SRC_REPORT_OUTLET_H
#define KPU_SRC_REPORT_OUTLET_H

#include "kpu/report.h"

/* What is appended to `text` leaves with the next outlet_pass. Once something has failed, it is
 * dropped: whoever writes looks at the status where a list or a part of it ends. */
typedef struct outlet {
    const kpu_sink *sink;
    kpu_text text;
    int status;
} outlet;

/* Between two records: hands on what has gathered, if it is much. Returns the status. */
int outlet_pass(outlet *out);
/* Hands on the rest and frees. Returns the status. */
int outlet_end(outlet *out);

/* A field of a line of CSV, in quotes if it needs them. */
void outlet_put_csv(kpu_text *text, const char *field);

#endif
