/* --help, made from the tables of commands and options. */
#include <stdio.h>
#include <string.h>

#include "tools/command.h"

enum { WIDTH = 79, OPTION_COLUMN = 28 };

/* Prints words from `column` on, wrapped; the cursor is at `at`. */
void kpu_command_print_wrapped(const char *text, int at, int column)
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
    kpu_command_print_wrapped(option->help, at + 1, OPTION_COLUMN);
}

void kpu_command_print_help(const kpu_tool_command *command)
{
    printf("Usage: %s%s [OPTION]...%s%s\n", kpu_command_prefix(command), command->name,
           *command->operands ? " " : "", command->operands);
    kpu_command_print_wrapped(command->summary, 0, 0);
    puts("\nOptions:");
    for (size_t i = 0; i < command->option_count; i++)
        print_option(&command->options[i]);
    const kpu_option help = {.name = "help", .letter = 'h', .help = "print this and exit"};
    print_option(&help);
    if (*command->details)
        printf("\n%s", command->details);
}
