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
    KPU_KEY_RATIONAL, /* 8, 12.8, 400/3 */
    KPU_KEY_REAL,     /* decimal, 0.5 */
    KPU_KEY_WORD,     /* one of `words` */
    KPU_KEY_TEXT      /* free text, or a small language of its own (ranges, expressions) */
} kpu_key_type;

typedef enum kpu_key_file { KPU_FILE_MACHINE, KPU_FILE_SWEEP } kpu_key_file;

/* A row of the table. */
typedef struct kpu_key {
    kpu_key_file file;
    const char *section, *name;
    kpu_key_type type;
    bool axis;            /* accepts a list / range: an axis of the design space */
    bool required;        /* no default: it must be given */
    const char *unit;     /* "B/cycle", "cycle", "" */
    const char *fallback; /* default as text, NULL if required or absent by default */
    double min, max;      /* inclusive, numbers only */
    const char *words;    /* "os ws is", KPU_KEY_WORD only */
    const char *help;     /* one sentence */
} kpu_key;

size_t kpu_key_count(void);
const kpu_key *kpu_key_at(size_t index);
const kpu_key *kpu_key_find(kpu_key_file file, const char *section, const char *name);

/* section.key = value with its place in a file (or on the command line: file "--set"). */
typedef struct kpu_setting {
    const kpu_key *key; /* row of the table */
    char *section, *name, *value;
    kpu_place place;    /* .column is the value's first column */
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

/* Reads, checks sections and keys against the table (unknown, duplicate, misspelt, over-long,
 * junk: all complaints gathered in diag), checks each non-axis scalar's form and range. */
int kpu_ini_read(const char *path, kpu_key_file kind, kpu_ini *out, kpu_diag *diag);
int kpu_ini_parse(const char *path, const char *text, size_t bytes, kpu_key_file kind,
                  kpu_ini *out, kpu_diag *diag);
/* "section.key=value": replaces or adds, same checks; place.file becomes "--set". */
int kpu_ini_set(kpu_ini *ini, const char *assignment, kpu_diag *diag);
const kpu_setting *kpu_ini_find(const kpu_ini *ini, const char *section, const char *name);
/* Canonical text (every key that is set, in table order): what is hashed and stored. malloc. */
char *kpu_ini_print(const kpu_ini *ini);
void kpu_ini_fini(kpu_ini *ini);

/* One scalar of a key, with range check and complaint at `place`. */
int kpu_key_parse_int(const kpu_key *key, const char *text, const kpu_place *place, int64_t *out,
                      kpu_diag *diag);
int kpu_key_parse_rational(const kpu_key *key, const char *text, const kpu_place *place,
                           kpu_rational *out, kpu_diag *diag);
int kpu_key_parse_real(const kpu_key *key, const char *text, const kpu_place *place, double *out,
                       kpu_diag *diag);
int kpu_key_parse_word(const kpu_key *key, const char *text, const kpu_place *place, int64_t *out,
                       kpu_diag *diag);

#ifdef __cplusplus
}
#endif
#endif
