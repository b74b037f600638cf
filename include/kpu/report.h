/* kpu/report.h - text, JSON and diagrams for people and programs; JSON cases in.
 *
 * Everything is written into a kpu_text that the caller owns; nothing here prints. */
#ifndef KPU_REPORT_H
#define KPU_REPORT_H

#include "kpu/metrics.h"
#include "kpu/schedule.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Numbers (kpu_text: kpu/base.h) ------------------------------------------------------ */

/* For people: 1,234,567; 12.5 KiB; 1.23 M + unit; 400/3. */
void kpu_text_put_grouped(kpu_text *text, int64_t value);
void kpu_text_put_size(kpu_text *text, int64_t bytes);
enum { KPU_SIZE_TEXT = 24 };
const char *kpu_size_text(double bytes, char out[KPU_SIZE_TEXT]);         /* the same, into out */
void kpu_text_put_scaled(kpu_text *text, double value, const char *unit); /* value >= 0 */
void kpu_text_put_rational(kpu_text *text, kpu_rational value);

/* ---- Tables and charts ------------------------------------------------------------------ */

typedef enum kpu_cell_type { KPU_CELL_TEXT, KPU_CELL_INT, KPU_CELL_REAL } kpu_cell_type;
typedef struct kpu_cell {
    kpu_cell_type type;
    char *text;
    kpu_metric_value number;
} kpu_cell;

/* Filled cell by cell, row by row. init/fini; the titles are borrowed. */
typedef struct kpu_table {
    const char *const *titles;
    size_t columns;
    kpu_cell *cells;
    size_t count, capacity; /* of cells */
    bool failed;            /* out of memory; kpu_table_print hands it on */
} kpu_table;

/* Aligned and rounded for people; exact as CSV (NaN: empty) or as a JSON array of objects. */
typedef enum kpu_table_format {
    KPU_TABLE_TEXT,
    KPU_TABLE_CSV,
    KPU_TABLE_JSON,
    KPU_TABLE_FORMATS
} kpu_table_format;
extern const char *const kpu_table_format_names[KPU_TABLE_FORMATS];

void kpu_table_init(kpu_table *table, const char *const *titles, size_t columns);
void kpu_table_fini(kpu_table *table);
void kpu_table_add_text(kpu_table *table, const char *value);
void kpu_table_add_int(kpu_table *table, int64_t value);
void kpu_table_add_real(kpu_table *table, double value);
void kpu_table_print(const kpu_table *table, kpu_table_format format, kpu_text *out);

/* Points in a frame within 80 columns; an axis is logarithmic if all its values are positive. */
typedef struct kpu_chart {
    const char *x_title, *y_title;
    const double *x, *y;
    size_t count;
} kpu_chart;
void kpu_chart_print(const kpu_chart *chart, kpu_text *out);

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
/* The same, appended; and its fields alone, without the braces around them. */
void kpu_result_put_json(kpu_text *text, const kpu_machine *machine, const kpu_result *result);
void kpu_result_put_json_fields(kpu_text *text, const kpu_machine *machine,
                                const kpu_result *result);

/* The keys of a machine, in the order of its file, each with its exact value as text: the columns
 * of the results' table of machines. */
typedef struct kpu_machine_field {
    const char *section, *name;
    bool is_integer, is_word; /* neither: a number, perhaps a quotient */
} kpu_machine_field;
size_t kpu_machine_field_count(void);
kpu_machine_field kpu_machine_field_at(size_t index);
void kpu_machine_put_field(kpu_text *text, const kpu_machine *machine, size_t index);
/* The whole machine as INI text, which reads back as the same machine. */
void kpu_machine_put_ini(kpu_text *text, const kpu_machine *machine);

/* ---- Reference -------------------------------------------------------------------------- */

/* The tables of keys and of metrics: for a terminal, and as docs/keys.md and docs/metrics.md. */
void kpu_reference_put_keys(kpu_text *text);
void kpu_reference_put_keys_markdown(kpu_text *text);
void kpu_reference_put_metrics(kpu_text *text);
void kpu_reference_put_metrics_markdown(kpu_text *text);

/* ---- For a person ----------------------------------------------------------------------- */

/* What it takes: cycles, traffic, energy, footprint, stalls; or why it does not fit. */
void kpu_result_summarise(kpu_text *text, const kpu_machine *machine, const kpu_result *result);
/* The same with the loop nest, the memory hierarchy and the distance from each bound. Both fit 80
 * columns. */
void kpu_result_explain(kpu_text *text, const kpu_machine *machine, const kpu_result *result);

/* ---- Schedules (docs/schedules.md) -------------------------------------------------------- */

/* Takes a long text piece by piece. What it returns other than KPU_OK ends the writing and is
 * handed on. */
typedef struct kpu_sink {
    int (*take)(void *context, const char *text, size_t bytes);
    void *context;
} kpu_sink;

/* A list of records: which part of a schedule, and how it is printed. Zeroed but for last_step: a
 * table. */
typedef struct kpu_list_style {
    kpu_table_format format;
    int64_t first_step, last_step; /* what was emitted at these steps, both included */
    bool verbose;                  /* commands: addresses, engines, slots, waits too */
    const char *kernel;            /* a first column of that name says this; NULL: no such column */
    int64_t start_cycle;           /* when the kernel begins in a longer run: added to all cycles */
    bool follows;   /* a part of the same list came before: no titles, no opening bracket */
    bool continues; /* another part comes after: no closing bracket */
} kpu_list_style;

/* The bound schedule, a record a command, by start: {"cycle", "component", "op", "tile_id", "src",
 * "dst"}; the fabric has "result" instead of the last three. All of these: KPU_OK, KPU_E_MEMORY or
 * what the sink says. */
int kpu_schedule_put_commands(const kpu_schedule *schedule, const kpu_list_style *style,
                              const kpu_sink *sink);
/* The injection schedule, a record a step: when its tiles are where, in cycles. */
int kpu_schedule_put_injection(const kpu_schedule *schedule, const kpu_list_style *style,
                               const kpu_sink *sink);
/* What happens to tiles, in emission order, which is an order of dependency. */
int kpu_schedule_put_events(const kpu_schedule *schedule, const kpu_list_style *style,
                            const kpu_sink *sink);
/* Each engine's own list of commands: credits that it needs, ready flags that it waits for. */
int kpu_schedule_put_sequencer(const kpu_schedule *schedule, const kpu_list_style *style,
                               const kpu_sink *sink);
/* Injection and tile events in logical time, as published: steps in the order m, n, k, whatever the
 * dataflow; the mapping need not fit. */
int kpu_logical_put_injection(const kpu_mapping *mapping, const kpu_list_style *style,
                              const kpu_sink *sink);
int kpu_logical_put_events(const kpu_mapping *mapping, const kpu_list_style *style,
                           const kpu_sink *sink);

/* Bars over cycles, a row each of engines or of commands. */
typedef struct kpu_gantt_bar {
    int64_t row;
    int64_t command; /* number in the schedule */
    bool chosen;     /* it belongs to the chosen steps; others are there for what they hold up */
} kpu_gantt_bar;
enum { KPU_GANTT_ROW_TEXT = 64 };
typedef struct kpu_gantt {
    const kpu_schedule *schedule; /* borrowed */
    int64_t first_step, last_step;
    int64_t start, end; /* cycles, start < end */
    bool row_is_command;
    char (*rows)[KPU_GANTT_ROW_TEXT]; /* what each is called */
    int64_t row_count;
    kpu_gantt_bar *bars; /* by start */
    int64_t bar_count;
} kpu_gantt;
enum { KPU_GANTT_BARS_MAX = 1 << 16, KPU_GANTT_ROWS_MAX = 1 << 10 };

/* All that engines do while the chosen steps (both included, 0 <= first <= last) are on their way:
 * a row each. fini after KPU_OK. KPU_E_RANGE: more than the limits above. */
int kpu_gantt_of_engines(const kpu_schedule *schedule, int64_t first_step, int64_t last_step,
                         kpu_gantt *out);
/* How the chosen steps come about: the loads of their tiles, streams, fabric, stores of their
 * results; a row each. */
int kpu_gantt_of_steps(const kpu_schedule *schedule, int64_t first_step, int64_t last_step,
                       kpu_gantt *out);
void kpu_gantt_fini(kpu_gantt *gantt);
/* Characters, at most `width` columns (at least KPU_GANTT_WIDTH_MIN); a drawing; records. */
enum { KPU_GANTT_WIDTH_MIN = 60, KPU_GANTT_WIDTH_MAX = 1000 };
void kpu_gantt_put_text(const kpu_gantt *gantt, int width, kpu_text *text);
void kpu_gantt_put_svg(const kpu_gantt *gantt, kpu_text *text);
int kpu_gantt_put_list(const kpu_gantt *gantt, const kpu_list_style *style, const kpu_sink *sink);

/* Where a command takes from, or puts to: bytes from the beginning of that memory (kpu_layout); -1
 * for registers and for the fabric. And as text: "0x1000" in DRAM, "L3_tile_0", "L2_bank_1",
 * "L1_0", "registers_0" (which half); "" for the fabric. */
enum { KPU_COMMAND_SOURCE, KPU_COMMAND_DEST };
int64_t kpu_command_address(const kpu_schedule *schedule, const kpu_command *command, int side);
enum { KPU_PLACE_TEXT = 32 };
const char *kpu_command_place_text(const kpu_schedule *schedule, const kpu_command *command,
                                   int side, char out[KPU_PLACE_TEXT]);
/* "dma0", "bm3", "str_a", "fab": `engine` of a class; numbered where a class has several. */
enum { KPU_ENGINE_TEXT = 24 };
const char *kpu_engine_text(int engine_class, int64_t engine, char out[KPU_ENGINE_TEXT]);

/* A Chrome/Perfetto trace of one or several schedules on one machine, which do not overlap: a track
 * an engine, counters of occupancy and bandwidth (docs/schedules.md, "Traces"). new writes the
 * beginning, finish the end; free in any case. `machine` and the sink's context must outlive it.
 * `kernel` names what is added, NULL if there is but one. KPU_E_RANGE: longer than picoseconds of
 * 62 bits. */
typedef struct kpu_trace kpu_trace;
int kpu_trace_new(const kpu_machine *machine, const kpu_sink *sink, kpu_trace **out);
int kpu_trace_add(kpu_trace *trace, const kpu_schedule *schedule, const char *kernel,
                  int64_t start_cycle);
int kpu_trace_finish(kpu_trace *trace);
void kpu_trace_free(kpu_trace *trace);

/* What a trace written by kpu_trace_* says, read piece by piece: add the pieces, finish, then
 * print. `path` is for complaints, which name an event or a line. free in any case. */
typedef struct kpu_trace_stats kpu_trace_stats;
int kpu_trace_stats_new(const char *path, kpu_diag *diag, kpu_trace_stats **out);
int kpu_trace_stats_add(kpu_trace_stats *stats, const char *bytes, size_t count);
int kpu_trace_stats_finish(kpu_trace_stats *stats);
void kpu_trace_stats_free(kpu_trace_stats *stats);
/* Use of every engine, longest waits, critical path. */
void kpu_trace_stats_put_text(const kpu_trace_stats *stats, kpu_text *text);
void kpu_trace_stats_put_json(const kpu_trace_stats *stats, kpu_text *text);

/* The loop nest and the transfers of every level as a comment block of C, for a tiler engine. */
void kpu_result_explain_c(kpu_text *text, const kpu_machine *machine, const kpu_result *result);

#ifdef __cplusplus
}
#endif
#endif
