/* Private to the program: what a subcommand is. Each is one file of statics that exports one
 * const kpu_tool_command, and one line in commands.def. */
#ifndef KPU_SRC_TOOLS_COMMAND_H
#define KPU_SRC_TOOLS_COMMAND_H

#include "kpu/base.h"

typedef enum kpu_option_type {
    KPU_OPTION_FLAG, /* bool */
    KPU_OPTION_TEXT, /* const char *; NULL if not given */
    KPU_OPTION_INT,  /* int64_t in [min, max] */
    KPU_OPTION_LIST  /* kpu_option_list: may be given again and again */
} kpu_option_type;

typedef struct kpu_option_list {
    const char **items;
    size_t count;
} kpu_option_list;

typedef struct kpu_option {
    const char *name; /* without the dashes */
    char letter;      /* 0: long form only */
    kpu_option_type type;
    size_t offset;        /* of its value in the command's structure of values */
    const char *argument; /* "FILE" in the help; NULL for flags */
    const char *help;
    int64_t min, max; /* KPU_OPTION_INT */
} kpu_option;

/* The row of a flag that all commands have which time candidates; `member` of the values is a
 * bool. */
#define KPU_NO_FAST_FORWARD_OPTION(type, member)                                                   \
    {                                                                                              \
        "no-fast-forward", 0, KPU_OPTION_FLAG, offsetof(type, member), NULL,                       \
            "time every command by itself, also those that only repeat; slower, and no number "    \
            "depends on it",                                                                       \
            0, 0                                                                                   \
    }

typedef struct kpu_call {
    const struct kpu_tool_command *command;
    const void *values;    /* values_bytes of them, set by the options */
    char *const *operands; /* what is no option */
    int operand_count;
    char *const *argv; /* the whole command line */
    int argc;
    kpu_diag *diag;
} kpu_call;

typedef struct kpu_tool_command {
    const char *name;     /* of the subcommand; of a program of one command, the program's */
    bool is_program;      /* a program of one command: no "kpu-dse" before its name */
    const char *operands; /* "SWEEP.ini" in the help, "" if it takes none */
    int min_operands, max_operands;
    const char *summary; /* one line */
    const char *details; /* what the help says after the options; may be "" */
    const kpu_option *options;
    size_t option_count;
    size_t values_bytes;
    void (*defaults)(void *values);   /* may be NULL: all zero */
    int (*run)(const kpu_call *call); /* a kpu_error; complaints go to call->diag */
} kpu_tool_command;

/* The main() of a program: runs `dispatch`, prints what was complained about, and returns the exit
 * code: 0 well, 1 the run failed, 2 bad usage or bad input, 130 interrupted. */
int kpu_program_main(int argc, char **argv, int (*dispatch)(int argc, char **argv, kpu_diag *diag));
/* What a program of one command dispatches to, --version included. */
int kpu_program_call(const kpu_tool_command *command, int argc, char **argv, kpu_diag *diag);
const char *kpu_command_prefix(const kpu_tool_command *command); /* "kpu-dse ", or "" */

/* commands.def, in the order of the help */
#define KPU_X(name) extern const kpu_tool_command kpu_command_##name;
#include "commands.def"
#undef KPU_X

size_t kpu_command_count(void);
const kpu_tool_command *kpu_command_at(size_t index);

/* Parses argv (argv[0] is the subcommand) into call->values and operands, and runs the command,
 * or prints its help. */
int kpu_command_call(const kpu_tool_command *command, int argc, char **argv, kpu_diag *diag);
void kpu_command_print_help(const kpu_tool_command *command);
void kpu_command_print_usage(void); /* of the whole program */
/* Prints words from `column` on, wrapped; the cursor is at `at`. */
void kpu_command_print_wrapped(const char *text, int at, int column);

#endif
