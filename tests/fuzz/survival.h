/* HDF5 1.10 does not survive every file, which is not what is looked for: a child reads each file
 * first, and what kills it within HDF5 is left out. */
#ifndef KPU_TESTS_FUZZ_SURVIVAL_H
#define KPU_TESTS_FUZZ_SURVIVAL_H

#include "fuzz/check.h"

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

enum { CHILD_SECONDS = 4, EXIT_OF_HDF5 = 40, EXIT_OF_OURS = 41 };

/* HDF5 does not free all that it has when a file is damaged, and asks for as much memory as the
 * file says. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libhdf5\n";
}

/* Whose a fault is that AddressSanitizer does not report, or is not there to report. */
static const int faults[] = {SIGILL, SIGABRT, SIGSEGV, SIGBUS, SIGFPE};
enum { FAULTS = sizeof faults / sizeof *faults, FAULTS_NOT_REPORTED = 2 };

/* Ours are those of the program itself; libhdf5, and what it calls, are shared objects. */
static void tell_whose(int number, siginfo_t *info, void *context)
{
    static const char of_ours;
    const ucontext_t *state = context;
    Dl_info where, ours;
    bool known = dladdr((void *)state->uc_mcontext.gregs[REG_RIP], &where) != 0 &&
                 dladdr(&of_ours, &ours) != 0;
    (void)info;
    _exit(number != SIGABRT && known && where.dli_fbase == ours.dli_fbase ? EXIT_OF_OURS
                                                                          : EXIT_OF_HDF5);
}

/* Of AddressSanitizer, where it is. */
void __asan_set_error_report_callback(void (*told)(const char *report)) __attribute__((weak));

/* Whose the innermost frame is, but for the sanitizer: of libhdf5, or of what was built here. */
static void judge_report(const char *report)
{
    const char *library = strstr(report, "libhdf5");
    const char *ours[] = {strstr(report, KPU_SOURCE_DIR), strstr(report, program_invocation_name)};
    bool of_hdf5 = library != NULL;
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        of_hdf5 = of_hdf5 && (!ours[i] || library < ours[i]);
    _exit(of_hdf5 ? EXIT_OF_HDF5 : EXIT_OF_OURS);
}

static void read_as_child(void (*read)(const char *path), const char *path)
{
    static char stack[1 << 16];
    const stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_sigaction = tell_whose,
                               .sa_flags = (int)(SA_SIGINFO | SA_ONSTACK)};
    freopen("/dev/null", "w", stderr);
    sigaltstack(&alternate, NULL);
    const size_t handled = __asan_set_error_report_callback ? FAULTS_NOT_REPORTED : FAULTS;
    for (size_t i = 0; i < handled; i++)
        sigaction(faults[i], &action, NULL);
    if (__asan_set_error_report_callback)
        __asan_set_error_report_callback(judge_report);
    signal(SIGALRM, SIG_DFL);
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
