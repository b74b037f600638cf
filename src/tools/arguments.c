/* Command lines: getopt_long driven by a command's table of options. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/command.h"

enum { OPTIONS_MAX = 48, HELP = 256, FIRST_OPTION = 257 };

/* What getopt_long wants, made from the table. */
typedef struct getopt_tables {
    struct option options[OPTIONS_MAX + 2];
    char letters[2 * OPTIONS_MAX + 4];
} getopt_tables;

static void make_tables(const kpu_tool_command *command, getopt_tables *out)
{
    size_t letters = 0;
    memset(out, 0, sizeof *out);
    out->letters[letters++] = ':'; /* tell a missing value from an unknown option */
    out->letters[letters++] = 'h';
    for (size_t i = 0; i < command->option_count && i < OPTIONS_MAX; i++) {
        const kpu_option *option = &command->options[i];
        out->options[i] =
            (struct option){option->name, option->argument != NULL, NULL, (int)(FIRST_OPTION + i)};
        if (option->letter) {
            out->letters[letters++] = option->letter;
            if (option->argument)
                out->letters[letters++] = ':';
        }
    }
    out->options[command->option_count] = (struct option){"help", 0, NULL, HELP};
}

static const kpu_option *option_of(const kpu_tool_command *command, int code)
{
    if (code >= FIRST_OPTION)
        return &command->options[code - FIRST_OPTION];
    for (size_t i = 0; i < command->option_count; i++)
        if (command->options[i].letter == code)
            return &command->options[i];
    return NULL;
}

static int set_int(const kpu_option *option, const char *text, int64_t *out, kpu_diag *diag)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (end == text || *end || errno || text[0] == ' ' || text[0] == '+' || value < option->min ||
        value > option->max)
        return kpu_diag_add(diag, KPU_E_USAGE,
                            "--%s: expected a whole number from %lld to %lld, got \"%s\"",
                            option->name, (long long)option->min, (long long)option->max, text);
    *out = value;
    return KPU_OK;
}

static int set_option(const kpu_option *option, void *values, const char *text, kpu_diag *diag)
{
    void *value = (char *)values + option->offset;
    kpu_option_list *list;
    switch (option->type) {
    case KPU_OPTION_FLAG: *(bool *)value = true; break;
    case KPU_OPTION_TEXT: *(const char **)value = text; break;
    case KPU_OPTION_INT: return set_int(option, text, value, diag);
    case KPU_OPTION_LIST:
        list = value;
        list->items[list->count++] = text;
        break;
    }
    return KPU_OK;
}

static int complain_unknown(const kpu_tool_command *command, const char *given, kpu_diag *diag)
{
    const char *names[OPTIONS_MAX + 1];
    size_t count = 0;
    for (; count < command->option_count; count++)
        names[count] = command->options[count].name;
    names[count++] = "help";
    char name[64] = "";
    if (strncmp(given, "--", 2) == 0)
        snprintf(name, sizeof name, "%.*s", (int)strcspn(given + 2, "="), given + 2);
    const char *nearest = *name ? kpu_nearest_name(name, names, count) : NULL;
    if (nearest)
        return kpu_diag_add(diag, KPU_E_USAGE, "%s: unknown option \"%s\"; did you mean --%s?",
                            command->name, given, nearest);
    return kpu_diag_add(diag, KPU_E_USAGE, "%s: unknown option \"%s\"; see %s%s --help",
                        command->name, given, kpu_command_prefix(command), command->name);
}

/* getopt_long found something wrong with the argument before optind, or inside it. */
static int complain(const kpu_tool_command *command, int code, char **argv, kpu_diag *diag)
{
    const kpu_option *option = option_of(command, optopt);
    if (code == ':' && option)
        return kpu_diag_add(diag, KPU_E_USAGE, "--%s needs a value: %s", option->name,
                            option->argument);
    if (option && optopt >= FIRST_OPTION)
        return kpu_diag_add(diag, KPU_E_USAGE, "--%s takes no value", option->name);
    const char letter[] = {'-', (char)optopt, '\0'};
    return complain_unknown(command, optopt ? letter : argv[optind - 1], diag);
}

static int parse(const kpu_tool_command *command, int argc, char **argv, void *values, bool *help,
                 kpu_diag *diag)
{
    getopt_tables tables;
    make_tables(command, &tables);
    opterr = 0;
    int code, status = KPU_OK;
    while ((code = getopt_long(argc, argv, tables.letters, tables.options, NULL)) != -1) {
        int result = KPU_OK;
        if (code == HELP || code == 'h')
            *help = true;
        else if (code == '?' || code == ':')
            result = complain(command, code, argv, diag);
        else
            result = set_option(option_of(command, code), values, optarg, diag);
        if (result)
            status = result;
    }
    return status;
}

static int check_operands(const kpu_tool_command *command, int count, kpu_diag *diag)
{
    if (count < command->min_operands)
        return kpu_diag_add(diag, KPU_E_USAGE, "%s: missing %s; see %s%s --help", command->name,
                            command->operands, kpu_command_prefix(command), command->name);
    if (count > command->max_operands)
        return kpu_diag_add(diag, KPU_E_USAGE, "%s: too many arguments: expected %s", command->name,
                            *command->operands ? command->operands : "none");
    return KPU_OK;
}

/* Each list option may be given at most argc times. */
static bool make_lists(const kpu_tool_command *command, int argc, void *values)
{
    bool made = true;
    for (size_t i = 0; i < command->option_count; i++)
        if (command->options[i].type == KPU_OPTION_LIST) {
            kpu_option_list *list = (void *)((char *)values + command->options[i].offset);
            list->items = calloc((size_t)argc, sizeof *list->items);
            made = made && list->items;
        }
    return made;
}

static void free_values(const kpu_tool_command *command, void *values)
{
    for (size_t i = 0; values && i < command->option_count; i++)
        if (command->options[i].type == KPU_OPTION_LIST)
            free(((kpu_option_list *)(void *)((char *)values + command->options[i].offset))->items);
    free(values);
}

int kpu_command_call(const kpu_tool_command *command, int argc, char **argv, kpu_diag *diag)
{
    bool help = false;
    void *values = calloc(1, command->values_bytes + 1);
    int status = values ? KPU_OK : KPU_E_MEMORY;
    if (!status && command->defaults)
        command->defaults(values);
    if (!status && !make_lists(command, argc, values))
        status = KPU_E_MEMORY;
    if (!status)
        status = parse(command, argc, argv, values, &help, diag);
    kpu_call call = {.command = command,
                     .values = values,
                     .operands = argv + optind,
                     .operand_count = argc - optind,
                     .argv = argv,
                     .argc = argc,
                     .diag = diag};
    if (help && !status) {
        kpu_command_print_help(command);
    } else {
        if (!status)
            status = check_operands(command, call.operand_count, diag);
        if (!status)
            status = command->run(&call);
    }
    free_values(command, values);
    return status;
}
