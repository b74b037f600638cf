/* Ctrl-C and its like: the first one stops a run in good order, the second one
 * ends it. */
#include <signal.h>
#include <stddef.h>

#include "tools/run.h"

static volatile sig_atomic_t caught; /* the signal that came, 0: none */

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
enum { SIGNALS = sizeof signals / sizeof *signals };

/* Whatever comes next is not for us: a run that is ended by it loses nothing
 * that was committed. */
static void note(int number)
{
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
