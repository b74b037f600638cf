/* kpu-dse watch: how far runs are that write these files. */
#include "tools/watch.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { INTERVAL_MAX = 86400, INTERVAL_S = 2, FILES_MAX = 1000000 };

typedef struct values {
    int64_t interval;
    bool once, without_fronts;
} values;

static const kpu_option options[] = {
    {"interval", 'i', KPU_OPTION_INT, offsetof(values, interval), "S",
     "seconds from one look to the next (2)", 1, INTERVAL_MAX},
    {"once", '1', KPU_OPTION_FLAG, offsetof(values, once), NULL, "look once", 0, 0},
    {"no-fronts", 0, KPU_OPTION_FLAG, offsetof(values, without_fronts), NULL,
     "progress alone; no rows are read", 0, 0},
};

static void set_defaults(void *out)
{
    values *v = out;
    v->interval = INTERVAL_S;
}

/* ---- A screenful -------------------------------------------------------------------------- */

static size_t screen_lines(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row < 2)
        return 0;
    return size.ws_row;
}

/* As much as there is room for. */
static void show_on_screen(const char *text)
{
    size_t lines = screen_lines(), shown = 0;
    fputs("\033[H\033[2J", stdout);
    for (const char *line = text; *line; line++) {
        size_t length = strcspn(line, "\n");
        if (lines > 0 && shown + 2 > lines) {
            fputs("...", stdout);
            break;
        }
        printf("%.*s\n", (int)length, line);
        shown++;
        line += length;
        if (!*line)
            break;
    }
    fflush(stdout);
}

static int show(const kpu_watch *watch, bool is_screen, bool is_last, kpu_diag *diag)
{
    kpu_text text = {0};
    int status = kpu_watch_put(watch, &text);
    if (status)
        kpu_diag_add(diag, status, "out of memory");
    else if (is_screen)
        show_on_screen(text.data);
    else
        printf("%s%s", text.data, is_last ? "" : "\n");
    fflush(stdout);
    kpu_text_fini(&text);
    return status;
}

/* ---- Again and again ---------------------------------------------------------------------- */

/* A signal ends it early. */
static void wait_for(int64_t seconds)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)seconds;
    while (!*kpu_run_stop() && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) != 0) {
    }
}

/* Ctrl-C is how one stops looking: nothing was interrupted. */
static int watch_all(kpu_watch *watch, const values *v, kpu_diag *diag)
{
    const bool is_screen = !v->once && isatty(STDOUT_FILENO);
    int status = KPU_OK;
    for (bool goes_on = true; goes_on;) {
        status = kpu_watch_look(watch, diag);
        if (!status && !*kpu_run_stop())
            status = show(watch, is_screen, v->once || kpu_watch_is_over(watch), diag);
        goes_on = !status && !v->once && !kpu_watch_is_over(watch) && !ferror(stdout);
        if (goes_on)
            wait_for(v->interval);
        goes_on = goes_on && !*kpu_run_stop();
    }
    return status;
}

static int run(const kpu_call *call)
{
    const values *v = call->values;
    kpu_watch watch;
    int status = kpu_watch_init(&watch, call->operands, call->operand_count, call->diag);
    watch.wants_fronts = !v->without_fronts;
    kpu_run_catch_signals();
    if (!status)
        status = watch_all(&watch, v, call->diag);
    kpu_watch_fini(&watch);
    return status;
}

const kpu_tool_command kpu_command_watch = {
    .name = "watch",
    .operands = "FILE...",
    .min_operands = 1,
    .max_operands = FILES_MAX,
    .summary = "show how far a run is that writes a file: progress, rate, the fronts so far",
    .details = "FILE is a results file, finished or not; several are parts of one run. The run\n"
               "is not disturbed. Ends when all are finished, or on Ctrl-C.\n",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .values_bytes = sizeof(values),
    .defaults = set_defaults,
    .run = run,
};
