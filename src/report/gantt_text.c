/* Bars in characters. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report/gantt.h"

enum { TICK_COLUMNS = 16, LABEL_MAX = 30 };

typedef struct canvas {
    const kpu_gantt *gantt;
    int label, columns;
    char *line; /* of the row that is being drawn */
} canvas;

/* The column that a cycle lies in. */
static int column_of(const canvas *c, int64_t cycle)
{
    double span = (double)(c->gantt->end - c->gantt->start);
    int at = (int)((double)(cycle - c->gantt->start) / span * c->columns);
    return at < 0 ? 0 : at > c->columns ? c->columns : at;
}

static void fill(canvas *c, int from, int to, char with)
{
    memset(c->line + from, with, (size_t)(to - from));
}

/* "[A[0,0]===]" where there is room for the tile, else "[===]", "AA" or "A". */
static void draw_engine_bar(canvas *c, const kpu_gantt_bar *bar, const kpu_command *command)
{
    char tile[KPU_COMMAND_TILE_TEXT];
    int from = column_of(c, command->start), to = column_of(c, command->busy_end);
    from = from < c->columns ? from : c->columns - 1;
    to = to > from ? to : from + 1;
    char letter = command->kind == KPU_CMD_FAB ? '#' : place_operand_letters[command->operand];
    if (!bar->chosen && letter != '#')
        letter = (char)(letter - 'A' + 'a');
    if (!bar->chosen && letter == '#')
        letter = '+';
    fill(c, from, to, letter);
    if (to - from < 3)
        return;
    c->line[from] = '[';
    c->line[to - 1] = ']';
    int length = (int)strlen(kpu_command_tile_text(command, tile));
    if (bar->chosen && length <= to - from - 2)
        memcpy(c->line + from + 1, tile, (size_t)length);
}

/* "====----": busy, then on its way until it is ready. */
static void draw_command_bar(canvas *c, const kpu_gantt_bar *bar, const kpu_command *command)
{
    int from = column_of(c, command->start), to = column_of(c, command->busy_end);
    int ready = column_of(c, command->ready);
    from = from < c->columns ? from : c->columns - 1;
    to = to > from ? to : from + 1;
    (void)bar;
    fill(c, from, to, command->kind == KPU_CMD_FAB ? '#' : '=');
    if (ready > to)
        fill(c, to, ready, '-');
}

static void put_row(canvas *c, int64_t row, int64_t *bar, kpu_text *text)
{
    const kpu_gantt *g = c->gantt;
    fill(c, 0, c->columns, g->row_is_command ? ' ' : '.');
    for (; *bar < g->bar_count && g->bars[*bar].row == row; ++*bar) {
        const kpu_command *command = &g->schedule->commands[g->bars[*bar].command];
        if (g->row_is_command)
            draw_command_bar(c, &g->bars[*bar], command);
        else
            draw_engine_bar(c, &g->bars[*bar], command);
    }
    int end = c->columns;
    while (end > 0 && c->line[end - 1] == ' ')
        end--;
    kpu_text_format(text, "%-*.*s ", c->label, c->label, g->rows[row]);
    kpu_text_put_bytes(text, c->line, (size_t)end);
    kpu_text_put(text, "\n");
}

/* Cycles above the bars, each number where its tick is. */
static void put_axis(canvas *c, kpu_text *text)
{
    const kpu_gantt *g = c->gantt;
    kpu_text numbers = {0}, ticks = {0};
    kpu_text_repeat(&numbers, ' ', c->label + 1);
    kpu_text_repeat(&ticks, ' ', c->label + 1);
    double span = (double)(g->end - g->start);
    for (int at = 0; at < c->columns; at += TICK_COLUMNS) {
        kpu_text number = {0};
        kpu_text_put_grouped(&number, g->start + (int64_t)(span * at / c->columns));
        bool fits = number.length > 0 && at + (int)number.length <= c->columns;
        kpu_text_repeat(&numbers, ' ', c->label + 1 + at - (int)numbers.length);
        kpu_text_put(&numbers, fits ? number.data : "");
        kpu_text_repeat(&ticks, '-', c->label + 1 + at - (int)ticks.length);
        kpu_text_put(&ticks, "|");
        text->failed |= number.failed;
        kpu_text_fini(&number);
    }
    kpu_text_repeat(&ticks, '-', c->label + 1 + c->columns - (int)ticks.length);
    text->failed |= numbers.failed || ticks.failed;
    if (!text->failed)
        kpu_text_format(text, "%s\n%s\n", numbers.data, ticks.data);
    kpu_text_fini(&numbers);
    kpu_text_fini(&ticks);
}

static void put_title(const canvas *c, kpu_text *text)
{
    const kpu_gantt *g = c->gantt;
    kpu_text_format(text, "step%s %" PRId64, g->first_step == g->last_step ? "" : "s",
                    g->first_step);
    if (g->first_step < g->last_step)
        kpu_text_format(text, "..%" PRId64, g->last_step);
    kpu_text_format(text, " of %" PRId64 "; %.3g cycles a column\n\n", g->schedule->steps,
                    (double)(g->end - g->start) / c->columns);
}

void kpu_gantt_put_text(const kpu_gantt *gantt, int width, kpu_text *text)
{
    canvas c = {.gantt = gantt};
    for (int64_t row = 0; row < gantt->row_count; row++) {
        int length = (int)strlen(gantt->rows[row]);
        c.label = length > c.label ? length : c.label;
    }
    c.label = c.label < LABEL_MAX ? c.label : LABEL_MAX;
    c.columns = width - c.label - 1;
    c.line = malloc((size_t)c.columns + 1);
    if (!c.line) {
        text->failed = true;
        return;
    }
    put_title(&c, text);
    put_axis(&c, text);
    int64_t bar = 0;
    for (int64_t row = 0; row < gantt->row_count; row++)
        put_row(&c, row, &bar, text);
    kpu_text_put(text, gantt->row_is_command
                           ? "\n=== busy  ### computing  --- on its way until it is ready\n"
                           : "\nA B C, [tile ]: a tile of these steps; a b c of others\n"
                             "#: computing, + for other steps   .: idle\n");
    free(c.line);
}
