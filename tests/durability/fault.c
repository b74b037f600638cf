#include "fault.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NO_SPACE 1u
#define INPUT_OUTPUT 2u
#define READ_ONLY 4u
#define SIGNAL 8u
#define NO_LOCKS 16u
#define SHORT 32u
#define KILL 64u

/* What can go wrong in which call. */
static const struct {
    const char *name;
    unsigned faults, /* once */
        stays;       /* when the trouble stays: a full disk can still be flushed */
} ops[FAULT_OPS] = {
    [FAULT_OPEN] = {"open", INPUT_OUTPUT | SIGNAL | KILL, INPUT_OUTPUT},
    [FAULT_MODIFY] = {"modify", INPUT_OUTPUT | READ_ONLY | SIGNAL | KILL, INPUT_OUTPUT | READ_ONLY},
    [FAULT_CREATE] = {"create", NO_SPACE | INPUT_OUTPUT | READ_ONLY | SIGNAL | KILL,
                      NO_SPACE | INPUT_OUTPUT | READ_ONLY},
    [FAULT_CLOSE] = {"close", INPUT_OUTPUT | SIGNAL | NO_SPACE | KILL, INPUT_OUTPUT},
    [FAULT_READ] = {"read", INPUT_OUTPUT | SIGNAL | SHORT | KILL, INPUT_OUTPUT},
    [FAULT_WRITE] = {"write", NO_SPACE | INPUT_OUTPUT | READ_ONLY | SIGNAL | SHORT | KILL,
                     NO_SPACE | INPUT_OUTPUT | READ_ONLY},
    [FAULT_TRUNCATE] = {"truncate", NO_SPACE | INPUT_OUTPUT | READ_ONLY | SIGNAL | KILL,
                        INPUT_OUTPUT | READ_ONLY},
    [FAULT_ALLOCATE] = {"allocate", NO_SPACE | INPUT_OUTPUT | READ_ONLY | SIGNAL | KILL,
                        NO_SPACE | INPUT_OUTPUT | READ_ONLY},
    [FAULT_SYNC] = {"sync", NO_SPACE | INPUT_OUTPUT | READ_ONLY | SIGNAL | KILL, INPUT_OUTPUT},
    [FAULT_SYNC_RANGE] = {"sync_range", NO_SPACE | INPUT_OUTPUT | KILL, INPUT_OUTPUT},
    [FAULT_RENAME] = {"rename", NO_SPACE | INPUT_OUTPUT | READ_ONLY | KILL,
                      INPUT_OUTPUT | READ_ONLY},
    [FAULT_LINK] = {"link", NO_SPACE | INPUT_OUTPUT | READ_ONLY | KILL,
                    NO_SPACE | INPUT_OUTPUT | READ_ONLY},
    [FAULT_UNLINK] = {"unlink", INPUT_OUTPUT | READ_ONLY | KILL, INPUT_OUTPUT | READ_ONLY},
    [FAULT_MKDIR] = {"mkdir", NO_SPACE | INPUT_OUTPUT | READ_ONLY | KILL,
                     NO_SPACE | INPUT_OUTPUT | READ_ONLY},
    [FAULT_FLOCK] = {"flock", SIGNAL | NO_LOCKS | KILL, NO_LOCKS},
};

typedef enum moment { NEVER, BEFORE, HALF, AFTER } moment;

static const struct fault_kind {
    const char *name;
    unsigned bit;
    int error; /* 0: none */
    moment killed;
} kinds[] = {
    {"ENOSPC", NO_SPACE, ENOSPC, NEVER},  {"EDQUOT", NO_SPACE, EDQUOT, NEVER},
    {"EIO", INPUT_OUTPUT, EIO, NEVER},    {"EROFS", READ_ONLY, EROFS, NEVER},
    {"EINTR", SIGNAL, EINTR, NEVER},      {"ENOLCK", NO_LOCKS, ENOLCK, NEVER},
    {"short", SHORT, 0, NEVER},           {"kill-before", KILL, 0, BEFORE},
    {"kill-half", KILL | SHORT, 0, HALF}, {"kill-after", KILL, 0, AFTER},
};

enum { FDS = 1024 };

static struct {
    pthread_mutex_t lock;
    char prefix[FAULT_PATH], folder[FAULT_PATH];
    size_t prefix_length;
    const struct fault_kind *kind; /* NULL: no fault */
    long at;
    bool stays, happened;
    int log, trace; /* -1: none */
    long calls, opens;
    struct {
        char *path; /* NULL: does not concern us */
        long serial;
    } fd[FDS];
} state = {.lock = PTHREAD_MUTEX_INITIALIZER, .log = -1, .trace = -1};

/* ---- Beginning --------------------------------------------------------------------------- */

static int open_record(const char *name)
{
    const char *path = getenv(name);
    if (!path)
        return -1;
    int fd =
        (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    int high = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, FDS / 2);
    if (fd >= 0)
        syscall(SYS_close, fd);
    return high;
}

static void refuse(const char *what, const char *value)
{
    fprintf(stderr, "fault: %s '%s' is not understood\n", what, value);
    _exit(99);
}

static void read_fault(const char *text)
{
    char *end;
    state.at = strtol(text, &end, 10);
    const char *name = *end == ':' ? end + 1 : "";
    size_t length = strcspn(name, ":");
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        if (strlen(kinds[k].name) == length && memcmp(kinds[k].name, name, length) == 0)
            state.kind = &kinds[k];
    state.stays = strcmp(name + length, ":stays") == 0;
    if (!state.kind || (name[length] && !state.stays))
        refuse("KPU_FAULT", text);
}

__attribute__((constructor)) static void begin(void)
{
    const char *prefix = getenv("KPU_FAULT_PREFIX"), *fault = getenv("KPU_FAULT");
    if (!prefix)
        return;
    const char *slash = strrchr(prefix, '/');
    if (!slash || strlen(prefix) >= FAULT_PATH)
        refuse("KPU_FAULT_PREFIX", prefix);
    strcpy(state.prefix, prefix);
    memcpy(state.folder, prefix, (size_t)(slash - prefix));
    state.prefix_length = strlen(prefix);
    if (fault)
        read_fault(fault);
    state.log = open_record("KPU_FAULT_LOG");
    state.trace = open_record("KPU_FAULT_TRACE");
}

/* ---- Which files concern us ---------------------------------------------------------------- */

bool fault_matches(int at, const char *path, char absolute[FAULT_PATH])
{
    if (!state.prefix_length || !path || strlen(path) >= FAULT_PATH / 2)
        return false;
    size_t used = 0;
    if (path[0] != '/') {
        char link[64];
        snprintf(link, sizeof link, at == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", at);
        long n = syscall(SYS_readlink, link, absolute, FAULT_PATH / 2);
        if (n < 0)
            return false;
        used = (size_t)n;
        absolute[used++] = '/';
    }
    strcpy(absolute + used, path);
    size_t length = strlen(absolute);
    while (length > 1 && absolute[length - 1] == '/')
        absolute[--length] = '\0';
    return strncmp(absolute, state.prefix, state.prefix_length) == 0 ||
           strcmp(absolute, state.folder) == 0;
}

bool fault_knows(int fd)
{
    return fd >= 0 && fd < FDS && state.fd[fd].path;
}

static void forget(int fd)
{
    free(state.fd[fd].path);
    state.fd[fd].path = NULL;
}

void fault_forget(int fd)
{
    if (!fault_knows(fd))
        return;
    pthread_mutex_lock(&state.lock);
    forget(fd);
    pthread_mutex_unlock(&state.lock);
}

void fault_share(int fd, int copy)
{
    fault_forget(copy);
    if (!fault_knows(fd) || copy >= FDS)
        return;
    pthread_mutex_lock(&state.lock);
    state.fd[copy].serial = state.fd[fd].serial;
    state.fd[copy].path = strdup(state.fd[fd].path);
    pthread_mutex_unlock(&state.lock);
}

/* ---- Records ------------------------------------------------------------------------------- */

static void put(int fd, const void *data, size_t size)
{
    const char *from = data;
    while (size > 0) {
        long n = syscall(SYS_write, fd, from, size);
        if (n <= 0)
            _exit(98); /* a trace with a hole would prove anything */
        from += n;
        size -= (size_t)n;
    }
}

static void write_log(const fault_call *call, long result, int error)
{
    char line[FAULT_PATH + 512];
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now); /* that of the program */
    int n = snprintf(line, sizeof line, "%ld %s %ld.%09ld %ld %d %d %s ", call->number,
                     ops[call->op].name, (long)now.tv_sec, now.tv_nsec, result,
                     result < 0 ? error : 0, call->is_first, call->path);
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        if ((kinds[k].bit & call->faults) == kinds[k].bit)
            n += snprintf(line + n, sizeof line - (size_t)n, "%s,", kinds[k].name);
    line[n++] = '\n';
    put(state.log, line, (size_t)n);
}

/* number, operation, which opening of a file, offset, bytes that follow, paths. */
static void write_trace(const fault_call *call, long result)
{
    bool has_data = call->op == FAULT_WRITE && result > 0;
    char line[2 * FAULT_PATH + 256];
    int n = snprintf(line, sizeof line, "%ld\t%s\t%ld\t%lld\t%ld\t%s\t%s\n", call->number,
                     ops[call->op].name, call->fd >= 0 ? state.fd[call->fd].serial : -1L,
                     (long long)call->offset, has_data ? result : 0L, call->path,
                     call->path2 ? call->path2 : "");
    put(state.trace, line, (size_t)n);
    if (has_data)
        put(state.trace, call->data, (size_t)result);
}

/* ---- A call -------------------------------------------------------------------------------- */

static void die(void)
{
    syscall(SYS_kill, getpid(), SIGKILL);
    for (;;)
        pause();
}

/* The first trouble: its error, or 0; may make the call smaller. */
static int begin_trouble(fault_call *call, const struct fault_kind *kind)
{
    state.happened = call->is_first = true;
    if (kind->killed == BEFORE)
        die();
    call->kills = kind->killed != NEVER;
    bool fills_up = state.stays && call->op == FAULT_WRITE && (call->faults & SHORT);
    if (!(kind->bit & SHORT) && !fills_up)
        return kind->error;
    call->size /= 2;
    return 0;
}

/* The error of a call, or 0. */
static int judge(fault_call *call)
{
    const struct fault_kind *kind = state.kind;
    if (!kind || call->number < state.at)
        return 0;
    if (state.happened)
        return state.stays && (kind->bit & ops[call->op].stays) ? kind->error : 0;
    return (kind->bit & call->faults) == kind->bit ? begin_trouble(call, kind) : 0;
}

bool fault_begin(fault_call *call)
{
    pthread_mutex_lock(&state.lock);
    if (!call->path)
        call->path = state.fd[call->fd].path;
    call->number = ++state.calls;
    call->faults = ops[call->op].faults & (call->size < 2 ? ~SHORT : ~0u);
    int error = judge(call);
    if (error == 0)
        return true;
    if (state.log >= 0)
        write_log(call, -1, error);
    pthread_mutex_unlock(&state.lock);
    errno = error;
    return false;
}

static void track(const fault_call *call, long result)
{
    bool opens = call->op == FAULT_OPEN || call->op == FAULT_MODIFY || call->op == FAULT_CREATE;
    if (opens && result >= 0 && result < FDS) {
        forget((int)result);
        state.fd[result].serial = ++state.opens;
        state.fd[result].path = strdup(call->path);
    } else if (call->op == FAULT_CLOSE && call->fd >= 0) {
        forget(call->fd);
    }
}

long fault_end(fault_call *call, long result)
{
    int error = errno;
    bool opens = call->op == FAULT_OPEN || call->op == FAULT_MODIFY || call->op == FAULT_CREATE;
    if (opens)
        track(call, result);
    if (opens && result >= 0)
        call->fd = (int)result;
    if (state.trace >= 0 && result >= 0)
        write_trace(call, result);
    if (state.log >= 0)
        write_log(call, result, error);
    if (call->kills)
        die();
    if (!opens)
        track(call, result);
    pthread_mutex_unlock(&state.lock);
    errno = error;
    return result;
}
