/* kpu-dse: finds the subcommand, runs it, prints what it complained about, and says with its exit
 * code how it went: 0 well, 1 the run failed, 2 bad usage or bad input, 130 interrupted. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/command.h"

static const kpu_command *const commands[] = {
#define KPU_X(name) &kpu_command_##name,
#include "commands.def"
#undef KPU_X
};
enum { COMMANDS = sizeof commands / sizeof *commands };

size_t kpu_command_count(void)
{
    return COMMANDS;
}

const kpu_command *kpu_command_at(size_t index)
{
    return commands[index];
}

static const kpu_command *find_command(const char *name, kpu_diag *diag)
{
    const char *names[COMMANDS + 2] = {[COMMANDS] = "--help", [COMMANDS + 1] = "--version"};
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(name, commands[i]->name) == 0)
            return commands[i];
        names[i] = commands[i]->name;
    }
    const char *what = name[0] == '-' ? "option" : "command";
    const char *nearest = kpu_nearest_name(name, names, COMMANDS + 2);
    if (nearest)
        kpu_diag_add(diag, KPU_E_USAGE, "unknown %s \"%s\"; did you mean \"%s\"?", what, name,
                     nearest);
    else
        kpu_diag_add(diag, KPU_E_USAGE, "unknown %s \"%s\"; see kpu-dse --help", what, name);
    return NULL;
}

static int dispatch(int argc, char **argv, kpu_diag *diag)
{
    if (argc < 2)
        return kpu_diag_add(diag, KPU_E_USAGE, "which command? See kpu-dse --help");
    if (strcmp(argv[1], "--version") == 0) {
        puts("kpu-dse " KPU_VERSION);
        return KPU_OK;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        kpu_command_print_usage();
        return KPU_OK;
    }
    const kpu_command *command = find_command(argv[1], diag);
    return command ? kpu_command_call(command, argc - 1, argv + 1, diag) : KPU_E_USAGE;
}

/* What did not reach the reader is a failure even if everything was computed. */
static int close_output(kpu_diag *diag)
{
    bool failed = ferror(stdout) != 0;
    errno = 0;
    if (fflush(stdout) != 0)
        failed = true;
    if (!failed)
        return KPU_OK;
    return kpu_diag_add(diag, KPU_E_IO, "cannot write the standard output%s%s", errno ? ": " : "",
                        errno ? strerror(errno) : "");
}

int main(int argc, char **argv)
{
    /* A reader that went away or a limit on file sizes shows as a failed write, with a message. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    kpu_diag diag;
    kpu_diag_init(&diag);
    int status = dispatch(argc, argv, &diag);
    int closed = close_output(&diag);
    if (status == KPU_OK)
        status = closed;
    char *text = kpu_diag_render(&diag);
    if (text)
        fputs(text, stderr);
    else if (status != KPU_OK)
        fprintf(stderr, "error: %s\n", kpu_error_text(status));
    free(text);
    kpu_diag_fini(&diag);
    return kpu_error_exit_code(status);
}
