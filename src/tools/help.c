/* --help, made from the tables of commands and options. */
#include <stdio.h>
#include <string.h>

#include "tools/command.h"

enum { WIDTH = 79, COMMAND_COLUMN = 13, OPTION_COLUMN = 28 };

/* Prints words from `column` on, wrapped; the cursor is at `at`. */
static void print_wrapped(const char *text, int at, int column)
{
    if (at >= column) {
        putchar('\n');
        at = 0;
    }
    printf("%*s", column - at, "");
    at = column;
    while (*text) {
        int length = (int)strcspn(text, " ");
        if (at > column && at + 1 + length > WIDTH) {
            printf("\n%*s", column, "");
            at = column;
        }
        if (at > column)
            at += printf(" ");
        at += printf("%.*s", length, text);
        text += length;
        text += strspn(text, " ");
    }
    putchar('\n');
}

static void print_option(const kpu_option *option)
{
    int at = option->letter ? printf("  -%c, --%s", option->letter, option->name)
                            : printf("      --%s", option->name);
    if (option->argument)
        at += printf(" %s", option->argument);
    print_wrapped(option->help, at + 1, OPTION_COLUMN);
}

void kpu_command_print_help(const kpu_command *command)
{
    printf("Usage: kpu-dse %s [OPTION]...%s%s\n", command->name, *command->operands ? " " : "",
           command->operands);
    print_wrapped(command->summary, 0, 0);
    puts("\nOptions:");
    for (size_t i = 0; i < command->option_count; i++)
        print_option(&command->options[i]);
    const kpu_option help = {.name = "help", .letter = 'h', .help = "print this and exit"};
    print_option(&help);
    if (*command->details)
        printf("\n%s", command->details);
}

void kpu_command_print_usage(void)
{
    puts("Usage: kpu-dse COMMAND [OPTION]... [ARGUMENT]...\n"
         "Design-space exploration of GEMMs on a KPU: candidates are compiled and timed\n"
         "command by command.\n\n"
         "Commands:");
    for (size_t i = 0; i < kpu_command_count(); i++) {
        const kpu_command *command = kpu_command_at(i);
        print_wrapped(command->summary, printf("  %s", command->name), COMMAND_COLUMN);
    }
    puts("\n  kpu-dse COMMAND --help   explains a command\n"
         "  kpu-dse --version        prints the version\n\n"
         "Exit code: 0 success, 1 the run failed, 2 bad usage or bad input, 130 interrupted.");
}
