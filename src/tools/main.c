/* kpu-dse: finds the subcommand and runs it. */
#include <stdio.h>
#include <string.h>

#include "tools/command.h"

static const kpu_tool_command *const commands[] = {
#define KPU_X(name) &kpu_command_##name,
#include "commands.def"
#undef KPU_X
};
enum { COMMANDS = sizeof commands / sizeof *commands, COMMAND_COLUMN = 15 };

size_t kpu_command_count(void)
{
    return COMMANDS;
}

const kpu_tool_command *kpu_command_at(size_t index)
{
    return commands[index];
}

void kpu_command_print_usage(void)
{
    puts("Usage: kpu-dse COMMAND [OPTION]... [ARGUMENT]...\n"
         "Design-space exploration of GEMMs on a KPU: candidates are compiled and timed\n"
         "command by command.\n\n"
         "Commands:");
    for (size_t i = 0; i < kpu_command_count(); i++) {
        const kpu_tool_command *command = kpu_command_at(i);
        kpu_command_print_wrapped(command->summary, printf("  %s", command->name), COMMAND_COLUMN);
    }
    puts("\n  kpu-dse COMMAND --help   explains a command\n"
         "  kpu-dse --version        prints the version\n\n"
         "Exit code: 0 success, 1 the run failed, 2 bad usage or bad input, 130 interrupted.");
}

static const kpu_tool_command *find_command(const char *name, kpu_diag *diag)
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
    const kpu_tool_command *command = find_command(argv[1], diag);
    return command ? kpu_command_call(command, argc - 1, argv + 1, diag) : KPU_E_USAGE;
}

int main(int argc, char **argv)
{
    return kpu_program_main(argc, argv, dispatch);
}
