/* Shared by the files of src/config. */
#ifndef KPU_CONFIG_PRIVATE_H
#define KPU_CONFIG_PRIVATE_H

#include "kpu/config.h"

/* One `name = value` of a section that exists, where its parts lie in its line. */
typedef struct kpu_config_item {
    const char *section, *name;
    const char *value; /* value_length bytes */
    size_t value_length;
    kpu_place name_place, value_place; /* both of the same line, which ends at \n or NUL */
} kpu_config_item;

/* Checks the item against the table and appends it; `replace` says whether one that is there
 * (or its alternative) makes way or is a duplicate. */
int kpu_config_add(kpu_ini *ini, const kpu_config_item *item, bool replace, kpu_diag *diag);

bool kpu_config_has_section(kpu_key_file kind, const char *section);
/* Complains about a section that is not in the table. */
int kpu_config_unknown_section(kpu_key_file kind, const char *section, const kpu_place *place,
                               kpu_diag *diag);
/* Where a comment begins in a value, at its front or after white space; `length` if nowhere. */
size_t kpu_config_comment(const char *value, size_t length);
bool kpu_config_is_name(const char *text, size_t length);

#endif
