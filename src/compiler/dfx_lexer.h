/* Private to DFX: lines and words of its text. Whatever takes something complains if it is not
 * there, at its line and column, and returns false: the rest of the line is then left alone. */
#ifndef KPU_SRC_COMPILER_DFX_LEXER_H
#define KPU_SRC_COMPILER_DFX_LEXER_H

#include "compiler/dfx_private.h"

enum { KPU_DFX_WORD_MAX = 63 };

typedef struct kpu_dfx_lexer {
    const char *path, *text, *next, *end; /* all of it, and what is left after the current line */
    const char *line;                     /* the current one, `length` bytes without its end */
    size_t length, at;                    /* next byte of it */
    int64_t number;
    kpu_diag *diag;
    int complaints, code;
} kpu_dfx_lexer;

/* The next line that says something; false: there is none, or there were enough complaints. */
bool kpu_dfx_next_line(kpu_dfx_lexer *lexer);
/* A complaint at byte `at` of the current line; returns false. */
bool kpu_dfx_complain_at(kpu_dfx_lexer *lexer, size_t at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool kpu_dfx_out_of_memory(kpu_dfx_lexer *lexer); /* returns false */

bool kpu_dfx_line_ends(kpu_dfx_lexer *lexer); /* nothing but a comment follows */
bool kpu_dfx_take_line_end(kpu_dfx_lexer *lexer);
/* Letters, digits and any of _ . + -; `what` is expected. */
bool kpu_dfx_take_word(kpu_dfx_lexer *lexer, const char *what, char out[KPU_DFX_WORD_MAX + 1]);
/* Exactly that word or symbol. */
bool kpu_dfx_take(kpu_dfx_lexer *lexer, const char *text);
/* The same; false, without complaint, if it is not there. */
bool kpu_dfx_skip(kpu_dfx_lexer *lexer, const char *text);

/* Words that a list has. */
typedef struct kpu_dfx_words {
    const char *what;
    const char *const *names;
    size_t count;
} kpu_dfx_words;
bool kpu_dfx_take_listed(kpu_dfx_lexer *lexer, kpu_dfx_words words, uint8_t *out);
bool kpu_dfx_take_dtype(kpu_dfx_lexer *lexer, int32_t *out);
/* In quotes, with the escapes of JSON. */
bool kpu_dfx_take_string(kpu_dfx_lexer *lexer, const char *what, char out[KPU_GRAPH_NAME_MAX + 1]);
bool kpu_dfx_take_int(kpu_dfx_lexer *lexer, const char *what, kpu_range range, int64_t *out);
bool kpu_dfx_take_real(kpu_dfx_lexer *lexer, const char *what, double *out);

#endif
