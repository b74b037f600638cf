/* eval --jsonl: how an outside optimiser asks and is told. Answers are held back only while more
 * questions are already here: one line in gives one line out at once, a big batch goes fast. */
#include "tools/jsonl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kpu/report.h"

/* A case has a kilobyte or two; JSON takes up to fifty times its length in memory. */
enum { FIRST_BYTES = 1 << 16, LINE_MAX_BYTES = 1 << 20, FLUSH_BYTES = 1 << 16 };

typedef struct session {
    const kpu_jsonl *streams;
    kpu_simulator *simulator;
    kpu_text answers;
    kpu_diag complaints; /* about the current line */
    int64_t line;        /* from 1 */
    int64_t bad_lines;
    char *input; /* bytes read and not yet used */
    size_t held, capacity;
} session;

static void put_error(session *s)
{
    kpu_text message = {0};
    kpu_text_format(&message, "line %lld: ", (long long)s->line);
    for (size_t i = 0; i < s->complaints.count; i++)
        kpu_text_format(&message, "%s%s", i > 0 ? "; " : "", s->complaints.entries[i].message);
    kpu_text_put(&s->answers, "{\"error\":");
    kpu_text_put_json_string(&s->answers, message.data ? message.data : "out of memory");
    kpu_text_put(&s->answers, "}");
    kpu_text_fini(&message);
    s->bad_lines++;
}

static int evaluate(session *s, const char *line, size_t bytes)
{
    kpu_machine machine;
    kpu_problem problem;
    kpu_candidate candidate;
    kpu_result result;
    int status = kpu_case_parse(line, bytes, &machine, &problem, &candidate, &s->complaints);
    if (status)
        return status;
    status = kpu_evaluate(s->simulator, &machine, &problem, &candidate, &result);
    if (status)
        return kpu_diag_add(&s->complaints, status, "%s", kpu_error_text(status));
    kpu_result_put_json(&s->answers, &machine, &result);
    return KPU_OK;
}

static bool is_blank(const char *line, size_t bytes)
{
    while (bytes > 0 && strchr(" \t\r", line[bytes - 1]) && line[bytes - 1])
        bytes--;
    return bytes == 0;
}

static int flush_answers(session *s)
{
    if (s->answers.failed)
        return KPU_E_MEMORY;
    if (s->answers.length > 0)
        fwrite(s->answers.data, 1, s->answers.length, s->streams->answers);
    kpu_text_clear(&s->answers);
    /* The program's end says what is wrong with it. */
    return fflush(s->streams->answers) == 0 ? KPU_OK : KPU_E_IO;
}

static int answer_line(session *s, const char *line, size_t bytes)
{
    s->line++;
    if (is_blank(line, bytes))
        return KPU_OK;
    int status = evaluate(s, line, bytes);
    if (status == KPU_E_MEMORY)
        return status;
    if (status)
        put_error(s);
    kpu_diag_fini(&s->complaints);
    kpu_text_put(&s->answers, "\n");
    return s->answers.length >= FLUSH_BYTES ? flush_answers(s) : KPU_OK;
}

/* Answers all whole lines held, and keeps the rest. */
static int answer_lines(session *s)
{
    const char *at = s->input, *end = s->input + s->held;
    int status = KPU_OK;
    while (!status && at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        if (!newline)
            break;
        status = answer_line(s, at, (size_t)(newline - at));
        at = newline + 1;
    }
    s->held = (size_t)(end - at);
    memmove(s->input, at, s->held);
    return status;
}

static int make_room(session *s, kpu_diag *diag)
{
    if (s->held < s->capacity)
        return KPU_OK;
    if (s->capacity >= LINE_MAX_BYTES)
        return kpu_diag_add(diag, KPU_E_INPUT, "line %lld: longer than %d bytes",
                            (long long)(s->line + 1), LINE_MAX_BYTES);
    size_t capacity = s->capacity ? 2 * s->capacity : FIRST_BYTES;
    char *input = realloc(s->input, capacity);
    if (!input)
        return KPU_E_MEMORY;
    s->input = input;
    s->capacity = capacity;
    return KPU_OK;
}

static int answer_all(session *s, kpu_diag *diag)
{
    for (;;) {
        int status = make_room(s, diag);
        if (status)
            return status;
        ssize_t got = read(s->streams->questions, s->input + s->held, s->capacity - s->held);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return kpu_diag_add(diag, KPU_E_IO, "cannot read the standard input: %s",
                                strerror(errno));
        s->held += (size_t)got;
        if (got == 0)
            return s->held > 0 ? answer_line(s, s->input, s->held) : KPU_OK;
        status = answer_lines(s);
        if (!status)
            status = flush_answers(s);
        if (status)
            return status;
    }
}

int kpu_tool_jsonl(const kpu_jsonl *streams, kpu_diag *diag)
{
    session s = {.streams = streams, .simulator = kpu_simulator_new()};
    if (s.simulator)
        kpu_simulator_set_fast_forward(s.simulator, !streams->plain_walk);
    int status = s.simulator ? answer_all(&s, diag) : KPU_E_MEMORY;
    int flushed = flush_answers(&s);
    if (!status)
        status = flushed;
    if (!status && s.bad_lines > 0)
        status = kpu_diag_add(diag, KPU_E_INPUT, "%lld of %lld lines were bad",
                              (long long)s.bad_lines, (long long)s.line);
    free(s.input);
    kpu_text_fini(&s.answers);
    kpu_diag_fini(&s.complaints);
    kpu_simulator_free(s.simulator);
    return status;
}
