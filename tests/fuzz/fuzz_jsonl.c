/* eval --jsonl: cases, a line each. Those that would take long to time are only read. */
#include "fuzz/check.h"
#include "fuzz/fuzz.h"
#include "kpu/report.h"
#include "tools/jsonl.h"

#include <sys/mman.h>
#include <unistd.h>

static bool is_quick(const kpu_problem *problem, const kpu_candidate *candidate)
{
    const int64_t most = 4096;
    int64_t tiles = 1;
    for (int d = 0; d < KPU_DIMS; d++) {
        int64_t size = candidate->tile[d] > 0 ? candidate->tile[d] : 1;
        if (problem->dim[d] < 1 || kpu_mul_overflows(tiles, problem->dim[d] / size + 1, &tiles))
            return true; /* no problem: it is refused */
    }
    return tiles <= most;
}

static bool is_for_session(const char *line, size_t bytes)
{
    kpu_machine machine;
    kpu_problem problem;
    kpu_candidate candidate;
    kpu_diag diag = {0};
    int status = kpu_case_parse(line, bytes, &machine, &problem, &candidate, &diag);
    check_complaints(status, &diag);
    return status != KPU_OK || is_quick(&problem, &candidate);
}

/* The lines that a session gets, into a file of memory. */
static int put_questions(const char *text, size_t size)
{
    int fd = memfd_create("questions", MFD_CLOEXEC);
    for (const char *end = text + size; text < end;) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        size_t bytes = newline ? (size_t)(newline - text) : (size_t)(end - text);
        size_t whole = bytes + (newline != NULL);
        if (is_for_session(text, bytes) && write(fd, text, whole) != (ssize_t)whole)
            exit(1);
        text += whole;
    }
    lseek(fd, 0, SEEK_SET);
    return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = copy_text(data, size), *answers = NULL;
    size_t bytes = 0;
    kpu_jsonl streams = {.questions = put_questions(text, size)};
    kpu_diag diag = {0};
    streams.answers = open_memstream(&answers, &bytes);
    if (!streams.answers)
        exit(1);
    int status = kpu_tool_jsonl(&streams, &diag);
    fclose(streams.answers);
    if (status != KPU_OK && status != KPU_E_INPUT)
        fail_check("the session ended");
    check_complaints(status, &diag);
    close(streams.questions);
    free(answers);
    free(text);
    return 0;
}
