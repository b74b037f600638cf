/* Bars as a drawing (SVG). */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "report/gantt.h"

/* Pixels. */
enum {
    WIDTH = 1200,
    LEFT = 150,
    RIGHT = 20,
    TOP = 58,
    BOTTOM = 34,
    ROW = 24,
    BAR = 18,
    TAIL = 4,
    LETTER = 7, /* at most, of a label */
    TICKS = 10
};

static const char *const colours[KPU_OPERANDS + 1] = {"#4c78a8", "#f58518", "#54a24b", "#b279a2"};
static const char *const colour_texts[KPU_OPERANDS + 1] = {"A", "B", "C", "compute"};

typedef struct drawing {
    const kpu_gantt *gantt;
    kpu_text *text;
    double scale; /* pixels per cycle */
} drawing;

static double x_of(const drawing *d, int64_t cycle)
{
    double x = LEFT + (double)(cycle - d->gantt->start) * d->scale;
    return fmax(LEFT, fmin(x, WIDTH - RIGHT));
}

static void put_escaped(kpu_text *text, const char *string)
{
    static const struct {
        char c;
        const char *entity;
    } entities[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}};
    for (; *string; string++) {
        const char *entity = NULL;
        for (size_t i = 0; i < sizeof entities / sizeof *entities; i++)
            if (entities[i].c == *string)
                entity = entities[i].entity;
        if (entity)
            kpu_text_put(text, entity);
        else
            kpu_text_put_bytes(text, string, 1);
    }
}

static const char *colour_of(const kpu_command *c)
{
    return colours[c->kind == KPU_CMD_FAB ? KPU_OPERANDS : c->operand];
}

/* ---- Frame -------------------------------------------------------------------------------- */

static void put_legend(const drawing *d)
{
    int x = WIDTH - RIGHT - (KPU_OPERANDS + 1) * 80;
    for (int i = 0; i <= KPU_OPERANDS; i++, x += 80)
        kpu_text_format(d->text,
                        "<rect class=\"key\" x=\"%d\" y=\"12\" width=\"14\" height=\"14\" "
                        "fill=\"%s\"/><text x=\"%d\" y=\"24\">%s</text>\n",
                        x, colours[i], x + 19, colour_texts[i]);
}

static void put_title(const drawing *d)
{
    const kpu_gantt *g = d->gantt;
    const kpu_mapping *m = &g->schedule->mapping;
    kpu_text_format(d->text, "<text x=\"12\" y=\"24\" font-size=\"15\">%s of ",
                    g->row_is_command ? "Timeline" : "Engines");
    kpu_text_format(d->text,
                    "%" PRId64 "x%" PRId64 "x%" PRId64 " (tile %" PRId64 "x%" PRId64 "x%" PRId64
                    ", %s, %s) on ",
                    m->problem.dim[KPU_M], m->problem.dim[KPU_N], m->problem.dim[KPU_K],
                    m->tile[KPU_M], m->tile[KPU_N], m->tile[KPU_K], kpu_dataflow_names[m->dataflow],
                    kpu_control_names[m->control]);
    put_escaped(d->text, g->schedule->machine.name);
    bool one = g->first_step == g->last_step;
    kpu_text_format(d->text, ", step%s %" PRId64, one ? "" : "s", g->first_step);
    if (!one)
        kpu_text_format(d->text, "..%" PRId64, g->last_step);
    kpu_text_format(d->text, " of %" PRId64 "</text>\n", g->schedule->steps);
}

/* 1, 2 or 5 times a power of ten cycles: about TICKS of them. */
static int64_t tick_step(const kpu_gantt *g)
{
    int64_t least = (g->end - g->start) / TICKS + 1, step = 1;
    for (;; step *= 10)
        for (int i = 0; i < 3; i++) {
            static const int factors[] = {1, 2, 5};
            if (step * factors[i] >= least)
                return step * factors[i];
        }
}

static void put_axis(const drawing *d, int bottom)
{
    const kpu_gantt *g = d->gantt;
    int64_t step = tick_step(g);
    for (int64_t at = kpu_ceil_div(g->start, step) * step; at <= g->end; at += step) {
        double x = x_of(d, at);
        kpu_text_format(d->text,
                        "<line x1=\"%.2f\" y1=\"%d\" x2=\"%.2f\" y2=\"%d\" stroke=\"#ddd\"/>"
                        "<text x=\"%.2f\" y=\"%d\" text-anchor=\"middle\" fill=\"#555\">",
                        x, TOP - 6, x, bottom, x, TOP - 10);
        kpu_text_put_grouped(d->text, at);
        kpu_text_put(d->text, "</text>\n");
    }
    kpu_text_format(d->text,
                    "<text x=\"%d\" y=\"%d\" text-anchor=\"end\" fill=\"#555\">cycle</text>\n",
                    LEFT - 8, TOP - 10);
}

/* ---- Bars --------------------------------------------------------------------------------- */

static void put_tooltip(const drawing *d, const kpu_command *c)
{
    char tile[KPU_COMMAND_TILE_TEXT], engine[KPU_ENGINE_TEXT];
    kpu_text_format(d->text,
                    "<title>%s %s on %s, step %" PRId64 ": cycles %" PRId64 "..%" PRId64
                    ", ready at %" PRId64 "</title>",
                    kpu_command_names[c->kind], kpu_command_tile_text(c, tile),
                    kpu_engine_text(kpu_command_class(c->kind), c->engine, engine), c->step,
                    c->start, c->busy_end, c->ready);
}

static void put_bar(const drawing *d, const kpu_gantt_bar *bar)
{
    const kpu_command *c = &d->gantt->schedule->commands[bar->command];
    char tile[KPU_COMMAND_TILE_TEXT];
    int64_t y = TOP + bar->row * ROW + (ROW - BAR) / 2;
    double x = x_of(d, c->start), end = x_of(d, c->busy_end), ready = x_of(d, c->ready);
    kpu_text_format(d->text,
                    "<g%s><rect class=\"bar\" x=\"%.2f\" y=\"%" PRId64
                    "\" width=\"%.2f\" height=\"%d\" fill=\"%s\" stroke=\"#fff\" "
                    "stroke-width=\"0.5\">",
                    bar->chosen ? "" : " opacity=\"0.35\"", x, y, end - x, BAR, colour_of(c));
    put_tooltip(d, c);
    kpu_text_put(d->text, "</rect>");
    if (ready > end && d->gantt->row_is_command)
        kpu_text_format(d->text,
                        "<rect class=\"tail\" x=\"%.2f\" y=\"%" PRId64
                        "\" width=\"%.2f\" height=\"%d\" fill=\"%s\" opacity=\"0.5\"/>",
                        end, y + (BAR - TAIL) / 2, ready - end, TAIL, colour_of(c));
    kpu_command_tile_text(c, tile);
    if ((double)strlen(tile) * LETTER < end - x)
        kpu_text_format(d->text,
                        "<text class=\"label\" x=\"%.2f\" y=\"%" PRId64
                        "\" text-anchor=\"middle\" fill=\"%s\">%s</text>",
                        (x + end) / 2, y + BAR - 5, bar->chosen ? "#fff" : "#000", tile);
    kpu_text_put(d->text, "</g>\n");
}

void kpu_gantt_put_svg(const kpu_gantt *gantt, kpu_text *text)
{
    double span = (double)(gantt->end - gantt->start);
    const drawing d = {gantt, text, (WIDTH - LEFT - RIGHT) / span};
    int rows_bottom = TOP + (int)gantt->row_count * ROW;
    kpu_text_format(text,
                    "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
                    "viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"11\">\n"
                    "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
                    WIDTH, rows_bottom + BOTTOM, WIDTH, rows_bottom + BOTTOM);
    put_title(&d);
    put_legend(&d);
    put_axis(&d, rows_bottom);
    for (int64_t row = 0; row < gantt->row_count; row++) {
        kpu_text_format(text, "<text x=\"%d\" y=\"%" PRId64 "\" text-anchor=\"end\">", LEFT - 8,
                        TOP + row * ROW + ROW - 8);
        put_escaped(text, gantt->rows[row]);
        kpu_text_put(text, "</text>\n");
    }
    for (int64_t i = 0; i < gantt->bar_count; i++)
        put_bar(&d, &gantt->bars[i]);
    kpu_text_format(text, "<text x=\"12\" y=\"%d\" fill=\"#555\">%s</text>\n</svg>\n",
                    rows_bottom + BOTTOM - 12,
                    gantt->row_is_command ? "Wide: busy. Thin: on its way, until it is ready."
                                          : "Pale: commands of other steps.");
}
