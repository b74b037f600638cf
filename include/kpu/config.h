/* kpu/config.h - INI text -> settings with places; the one table of every key. */
#ifndef KPU_CONFIG_H
#define KPU_CONFIG_H

#include "kpu/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a key's value looks like. AXIS values are lists or ranges of the element type. */
typedef enum kpu_key_type {
    KPU_KEY_INT,      /* decimal integer in [min, max] */
    KPU_KEY_RATIONAL, /* 8, 12.8, 400/3: exact */
    KPU_KEY_REAL,     /* decimal, 0.5; no exponent */
    KPU_KEY_WORD,     /* one of `words` */
    KPU_KEY_TEXT      /* free text, or a small language of its own (lists, expressions) */
} kpu_key_type;

typedef enum kpu_key_file { KPU_FILE_MACHINE, KPU_FILE_SWEEP } kpu_key_file;

/* Which names a row stands for. */
typedef enum kpu_key_names {
    KPU_NAMES_ONE,    /* `name` */
    KPU_NAMES_FREE,   /* "*": any name of letters, digits, _ . - */
    KPU_NAMES_MACHINE /* "*": section.key of a machine key */
} kpu_key_names;

/* A row of the table (src/config/keys.def). */
typedef struct kpu_key {
    kpu_key_file file;
    const char *section; /* NULL in a copy of a row: complaints name the key alone */
    const char *name;
    kpu_key_type type;
    kpu_key_names names;
    bool axis;               /* accepts a list / range: an axis of the design space */
    bool required;           /* no default: it, or its alternative, must be given */
    const char *unit;        /* "B/cycle", "cycle", "" */
    const char *fallback;    /* default as text, NULL if required or absent by default */
    double min, max;         /* inclusive; TEXT: of the numbers in it, both 0 if there are none */
    const char *words;       /* "os ws is", KPU_KEY_WORD only */
    const char *alternative; /* key of the same section that says the same in another unit: give
                                one of the two; NULL if there is none */
    const char *help;        /* one sentence */
} kpu_key;

size_t kpu_key_count(void);
const kpu_key *kpu_key_at(size_t index);
/* The row of this very name, else the "*" row of the section, else NULL. */
const kpu_key *kpu_key_find(kpu_key_file file, const char *section, const char *name);
/* The n-th of a row's words into buffer[size]; false if there is none or it does not fit. */
bool kpu_key_word(const kpu_key *key, int64_t n, char *buffer, size_t size);

enum {
    KPU_INI_LINE_MAX = 65536, /* bytes of a line of a file */
    KPU_INI_NAME_MAX = 48,    /* bytes of a section's or key's name */
    KPU_INI_KEYS_MAX = 1024,  /* keys of a file */
    KPU_INI_ERRORS_MAX = 50   /* complaints after which a reader gives up on a file, or a list */
};

/* section.key = value with its place in a file (or on the command line: file "--set"). */
typedef struct kpu_setting {
    const kpu_key *key; /* row of the table */
    char *section, *name, *value;
    char *line;      /* the whole line, to which place.text points */
    kpu_place place; /* .column is the value's first column */
} kpu_setting;

/* The settings of one file, in the file's order. Owns everything, the text included. */
typedef struct kpu_ini {
    kpu_key_file kind;
    char *path;
    char *text; /* the file's bytes, NUL-terminated */
    size_t text_bytes;
    kpu_setting *settings;
    size_t count, capacity;
} kpu_ini;

/* Grammar: `[section]`, `key = value`, blank lines, comments from `;` or `#` (at the start of a
 * line or of a value, or after white space). A value is one line, without the white space around
 * it. */

/* Reads, checks sections and keys against the table (unknown, duplicate, misspelt, over-long,
 * junk: all complaints gathered in diag), checks each non-axis scalar's form and range. Whether
 * all that is required is there, kpu_ini_check_required tells: --set may still add it. On
 * failure *out holds what was good; kpu_ini_fini it in any case. */
int kpu_ini_read(const char *path, kpu_key_file kind, kpu_ini *out, kpu_diag *diag);
int kpu_ini_parse(const char *path, const char *text, size_t bytes, kpu_key_file kind, kpu_ini *out,
                  kpu_diag *diag);
/* Which kind of file this text is, judged by its sections. */
kpu_key_file kpu_ini_detect(const char *text, size_t bytes);
/* "section.key=value": replaces or adds, same checks; place.file becomes "--set". Replaces the
 * key's alternative too. A failed call leaves the ini as it was. */
int kpu_ini_set(kpu_ini *ini, const char *assignment, kpu_diag *diag);
/* One complaint for each required key that is missing. */
int kpu_ini_check_required(const kpu_ini *ini, kpu_diag *diag);
const kpu_setting *kpu_ini_find(const kpu_ini *ini, const char *section, const char *name);
/* What is set, else the table's default, else NULL. */
const char *kpu_ini_value(const kpu_ini *ini, const char *section, const char *name);
/* Canonical text (every key that is set, in table order): what is hashed and stored. malloc. */
char *kpu_ini_print(const kpu_ini *ini);
void kpu_ini_fini(kpu_ini *ini);

/* One scalar of a key, with range check and complaint at `place`. WORD: the word's number. */
int kpu_key_parse_int(const kpu_key *key, const char *text, const kpu_place *place, int64_t *out,
                      kpu_diag *diag);
int kpu_key_parse_rational(const kpu_key *key, const char *text, const kpu_place *place,
                           kpu_rational *out, kpu_diag *diag);
int kpu_key_parse_real(const kpu_key *key, const char *text, const kpu_place *place, double *out,
                       kpu_diag *diag);
int kpu_key_parse_word(const kpu_key *key, const char *text, const kpu_place *place, int64_t *out,
                       kpu_diag *diag);
/* Any of the above by the row's type; TEXT: not empty. */
int kpu_key_check(const kpu_key *key, const char *text, const kpu_place *place, kpu_diag *diag);

#ifdef __cplusplus
}
#endif
#endif
