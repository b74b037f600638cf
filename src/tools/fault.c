#include "tools/fault.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kpu/base.h"

static void tell(int number)
{
    static const char text[] =
        "error: brought down by a fault (of memory or of arithmetic). If a results file was read, "
        "it is damaged in a way that the HDF5 library does not survive; otherwise this is a bug "
        "of this program, please report it\n";
    (void)number;
    if (write(STDERR_FILENO, text, strlen(text)) < 0)
        _exit(kpu_error_exit_code(KPU_E_IO));
    _exit(kpu_error_exit_code(KPU_E_INTERNAL));
}

void kpu_fault_catch(void)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    /* The program's own stack may be what is used up; this one is needed until the end. */
    const size_t bytes = 1 << 16;
    void *stack = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const stack_t alternate = {.ss_sp = stack, .ss_size = bytes};
    const bool is_apart = stack != MAP_FAILED && sigaltstack(&alternate, NULL) == 0;
    const struct sigaction action = {.sa_handler = tell, .sa_flags = is_apart ? SA_ONSTACK : 0};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct sigaction before;
        sigaction(faults[i], NULL, &before);
        if (before.sa_handler == SIG_DFL) /* sanitizers have their own */
            sigaction(faults[i], &action, NULL);
    }
}
