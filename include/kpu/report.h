/* kpu/report.h - text, JSON and diagrams for people and programs; JSON cases in.
 *
 * Everything is written into a kpu_text that the caller owns; nothing here prints. */
#ifndef KPU_REPORT_H
#define KPU_REPORT_H

#include "kpu/metrics.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Text ------------------------------------------------------------------------------- */

/* A growing string; zeroed memory is a valid empty one (data NULL). `failed` once memory ran out:
 * then nothing more is appended, so it is enough to look at the end. */
typedef struct kpu_text {
    char *data; /* NUL-terminated */
    size_t length, capacity;
    bool failed;
} kpu_text;

void kpu_text_fini(kpu_text *text);
void kpu_text_clear(kpu_text *text); /* keeps the memory */
void kpu_text_put(kpu_text *text, const char *string);
void kpu_text_put_bytes(kpu_text *text, const char *bytes, size_t count);
void kpu_text_repeat(kpu_text *text, char c, int count); /* nothing if count <= 0 */
void kpu_text_format(kpu_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void kpu_text_put_int(kpu_text *text, int64_t value);
/* Shortest of 15 to 17 digits that reads back as the same double; whole numbers as integers. */
void kpu_text_put_double(kpu_text *text, double value);
void kpu_text_put_json_string(kpu_text *text, const char *string); /* UTF-8, with its quotes */
void kpu_text_put_json_number(kpu_text *text, double value);       /* null if not finite */

/* ---- One case in, one result out -------------------------------------------------------- */

/* One {"hw", "problem", "candidate"} object, names as on the model page (docs/jsonl.md). Every
 * field is required but candidate.order and candidate.eddo_window, whose defaults the model
 * gives; "expect" is ignored. Gathers all complaints, each naming its field. KPU_E_INPUT. */
int kpu_case_parse(const char *json, size_t bytes, kpu_machine *machine, kpu_problem *problem,
                   kpu_candidate *candidate, kpu_diag *diag);
/* The result as one line of JSON (no newline), field names of the published test vectors. A NUL-
 * terminated string in *buffer, grown with realloc; *capacity follows. KPU_OK or KPU_E_MEMORY. */
int kpu_result_print_json(const kpu_machine *machine, const kpu_result *result, char **buffer,
                          size_t *capacity);
/* The same, appended. */
void kpu_result_put_json(kpu_text *text, const kpu_machine *machine, const kpu_result *result);

/* ---- For a person ----------------------------------------------------------------------- */

/* Loop nest, memory hierarchy, where the cycles went, how far from each bound; 80 columns. */
void kpu_result_explain(kpu_text *text, const kpu_machine *machine, const kpu_result *result);

#ifdef __cplusplus
}
#endif
#endif
