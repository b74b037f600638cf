/* Private to report: which fields a JSON case has, as data. */
#ifndef KPU_SRC_REPORT_CASE_FIELDS_H
#define KPU_SRC_REPORT_CASE_FIELDS_H

#include "kpu/mapping.h"

typedef enum kpu_field_type {
    KPU_FIELD_INT,
    KPU_FIELD_RATIONAL, /* 8, 12.8, "400/3", [400, 3] */
    KPU_FIELD_REAL,
    KPU_FIELD_WORD,      /* its number in `words` */
    KPU_FIELD_ORDER,     /* "mnk" -> three dimensions */
    KPU_FIELD_BUFFERING, /* one number, or {"A", "B", "C"} -> three */
    KPU_FIELD_RESIDENCY  /* "auto" or {"A": [p3, p2], ...} -> auto_residency and hoist */
} kpu_field_type;

typedef struct kpu_field {
    const char *name;
    kpu_field_type type;
    size_t offset; /* into the structure that the object fills */
    bool optional;
    const char *const *words;
    size_t word_count;
} kpu_field;

typedef struct kpu_field_group {
    const char *name; /* of the object within its parent */
    const kpu_field *fields;
    size_t count;
} kpu_field_group;

enum { KPU_HW_GROUPS = 9 };
extern const kpu_field_group kpu_hw_groups[KPU_HW_GROUPS]; /* fill a kpu_machine */
extern const kpu_field_group kpu_problem_group;            /* fills a kpu_problem */
extern const kpu_field_group kpu_candidate_group;          /* fills a kpu_candidate */

#endif
