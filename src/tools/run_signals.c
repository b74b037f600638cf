/* Ctrl-C and its like: the first one stops a run in good order, the second one ends it. */
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "tools/run.h"

static volatile sig_atomic_t caught; /* the signal that came, 0: none */

static struct {
    const char *text;
    size_t length;
} last_words; /* set: a signal ends the process */

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
enum { SIGNALS = sizeof signals / sizeof *signals };

/* Whatever comes next is not for us: a run that is ended by it loses nothing that was committed. */
static void note(int number)
{
    if (last_words.text) {
        ssize_t written = write(STDERR_FILENO, last_words.text, last_words.length);
        _exit(written < 0 ? 1 : kpu_error_exit_code(KPU_E_INTERRUPTED));
    }
    caught = number;
    for (size_t i = 0; i < SIGNALS; i++) {
        struct sigaction now;
        if (sigaction(signals[i], NULL, &now) == 0 && now.sa_handler == note) {
            now.sa_handler = SIG_DFL;
            sigaction(signals[i], &now, NULL);
        }
    }
}

void kpu_run_catch_signals(void)
{
    struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < SIGNALS; i++) {
        struct sigaction before;
        sigaction(signals[i], &action, &before);
        if (signals[i] == SIGHUP && before.sa_handler == SIG_IGN) /* nohup */
            sigaction(signals[i], &before, NULL);
    }
}

const volatile int *kpu_run_stop(void)
{
    return &caught;
}

void kpu_run_end_on_signal(const char *text)
{
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    last_words.length = text ? strlen(text) : 0;
    last_words.text = text;
    sigprocmask(SIG_SETMASK, &before, NULL);
}
