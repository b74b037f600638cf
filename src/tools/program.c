/* What all programs do before and after their work. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/command.h"
#include "tools/fault.h"

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

int kpu_program_main(int argc, char **argv, int (*dispatch)(int argc, char **argv, kpu_diag *diag))
{
    /* A reader that went away or a limit on file sizes shows as a failed write, with a message. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    kpu_fault_catch();
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

int kpu_program_call(const kpu_tool_command *command, int argc, char **argv, kpu_diag *diag)
{
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        printf("%s " KPU_VERSION "\n", command->name);
        return KPU_OK;
    }
    return kpu_command_call(command, argc, argv, diag);
}

const char *kpu_command_prefix(const kpu_tool_command *command)
{
    return command->is_program ? "" : "kpu-dse ";
}
