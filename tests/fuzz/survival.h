/* HDF5 1.10 does not survive every file, which is not what is looked for: a child reads each file
 * first, and what kills it within HDF5 is left out. What kills it within our own code, or within a
 * library that our code called, is shown. */
#ifndef KPU_TESTS_FUZZ_SURVIVAL_H
#define KPU_TESTS_FUZZ_SURVIVAL_H

#include "fuzz/check.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

/* HDF5 may go round in circles; a reader of ours needs a small part of that time. */
enum { CHILD_CPU_SECONDS = 4, CHILD_SECONDS = 60 };
enum { EXIT_OF_HDF5 = 40, EXIT_OF_OURS = 41 };
enum { FRAMES_MAX = 128 };

/* HDF5 asks for as much memory as the file says. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

/* It does not free all that it has when a file is damaged. No memory of ours is asked for below a
 * call of HDF5, but for names of members, so none of ours is hidden by this. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libhdf5\n";
}

/* ---- Whose a fault is ------------------------------------------------------------------- */

/* What AddressSanitizer does not report, or is not there to report; and the two clocks. */
static const int faults[] = {SIGILL, SIGABRT, SIGPROF, SIGALRM, SIGSEGV, SIGBUS, SIGFPE};
enum { FAULTS = sizeof faults / sizeof *faults, FAULTS_NOT_REPORTED = 4 };

/* Of the frames from the innermost on, the first that is of HDF5 or of this program decides;
 * other libraries act for who called them. */
static bool is_of_hdf5(void *const *frames, int count)
{
    static const char of_ours;
    Dl_info where, ours;
    if (dladdr(&of_ours, &ours) == 0)
        return false;
    for (int i = 0; i < count; i++) {
        if (dladdr(frames[i], &where) == 0)
            continue;
        if (where.dli_fbase == ours.dli_fbase)
            return false;
        if (where.dli_fname && strstr(where.dli_fname, "libhdf5"))
            return true;
    }
    return true; /* its stack is lost: ours are built to be found in it */
}

static void *where_it_happened(const ucontext_t *state)
{
#if defined(__aarch64__)
    return (void *)state->uc_mcontext.pc;
#else
    return (void *)state->uc_mcontext.gregs[REG_RIP];
#endif
}

static void tell_whose(int number, siginfo_t *info, void *context)
{
    void *frames[FRAMES_MAX], *at = where_it_happened(context);
    int count = backtrace(frames, FRAMES_MAX), first = 0;
    (void)number;
    (void)info;
    while (first < count && frames[first] != at) /* those of this handler */
        first++;
    if (first == count) { /* it jumped to nowhere */
        frames[0] = at;
        first = 0;
        count = 1;
    }
    _exit(is_of_hdf5(frames + first, count - first) ? EXIT_OF_HDF5 : EXIT_OF_OURS);
}

/* Of AddressSanitizer, where it is. */
void __asan_set_error_report_callback(void (*told)(const char *report)) __attribute__((weak));

/* Built with -g, a frame has the path of its source; without, the name of that or the path of the
 * program, as those of the sanitizer have. */
static bool is_frame_of_ours(const char *frame)
{
    return strstr(frame, " " KPU_SOURCE_DIR "/") || !strchr(frame, '/') ||
           (strstr(frame, program_invocation_name) && strstr(frame, " in ") &&
            !strstr(frame, " in __"));
}

/* The same from the text of a report, whose lines of frames begin with #. */
static void judge_report(const char *report)
{
    for (const char *line = strchr(report, '#'); line; line = strstr(line, "\n    #")) {
        char frame[512];
        line += strspn(line, "\n ");
        snprintf(frame, sizeof frame, "%.*s", (int)strcspn(line, "\n"), line);
        if (strstr(frame, "libhdf5"))
            _exit(EXIT_OF_HDF5);
        if (is_frame_of_ours(frame))
            break;
    }
    _exit(EXIT_OF_OURS);
}

/* ---- The child -------------------------------------------------------------------------- */

static void catch_faults(void)
{
    static char stack[1 << 16];
    const stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_sigaction = tell_whose,
                               .sa_flags = (int)(SA_SIGINFO | SA_ONSTACK)};
    void *frames[1];
    backtrace(frames, 1); /* the first call loads a library */
    sigaltstack(&alternate, NULL);
    const size_t handled = __asan_set_error_report_callback ? FAULTS_NOT_REPORTED : FAULTS;
    for (size_t i = 0; i < handled; i++)
        sigaction(faults[i], &action, NULL);
    if (__asan_set_error_report_callback)
        __asan_set_error_report_callback(judge_report);
}

static void read_as_child(void (*read)(const char *path), const char *path)
{
    const struct itimerval clock = {.it_value.tv_sec = CHILD_CPU_SECONDS};
    if (!freopen("/dev/null", "w", stderr))
        _exit(1);
    catch_faults();
    setitimer(ITIMER_PROF, &clock, NULL);
    alarm(CHILD_SECONDS);
    read(path);
    _exit(0);
}

/* Whether HDF5 survives the file. If it is we who do not, that is shown. */
static inline bool is_survived(void (*read)(const char *path), const char *path)
{
    pid_t child = fork();
    int status = 0;
    if (child == 0)
        read_as_child(read, path);
    if (child < 0)
        exit(1);
    while (waitpid(child, &status, 0) != child)
        if (errno != EINTR) /* libFuzzer has a clock */
            exit(1);
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_OF_OURS) {
        read(path);
        fail_check("a fault of our own, in a child only");
    }
    return WIFEXITED(status) && WEXITSTATUS(status) != EXIT_OF_HDF5;
}

#endif
