/* Ctrl-C and its like: the first one stops a run in good order, the second one ends it. */
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/run.h"

static volatile sig_atomic_t caught; /* the signal that came, 0: none */

static struct {
    const char *text;
    size_t length;
} last_words; /* set: a signal ends the process */

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
enum { SIGNALS = sizeof signals / sizeof *signals, TWICE_MS = 200 };

static long long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void end(const char *text, size_t length)
{
    ssize_t written = write(STDERR_FILENO, text, length);
    _exit(written < 0 ? 1 : kpu_error_exit_code(KPU_E_INTERRUPTED));
}

/* timeout(1), mpirun and terminals may send the same signal to a process and to its group: what
 * comes within TWICE_MS is no second one. A run that is ended at once loses nothing that was
 * committed. */
static void note(int number)
{
    static const char ended[] = "error: ended at once by a second signal\n";
    static volatile atomic_llong first_ms;
    long long none = 0;
    if (last_words.text)
        end(last_words.text, last_words.length);
    if (!atomic_compare_exchange_strong(&first_ms, &none, now_ms() + 1) &&
        now_ms() - none >= TWICE_MS)
        end(ended, sizeof ended - 1);
    caught = number;
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
