/* Lock-step groups, and the digits that axes become. */
#include "explorer/space.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char section[] = "lockstep";

static size_t find_name(const char *const *names, size_t count, const char *name)
{
    size_t i = 0;
    while (i < count && strcmp(names[i], name) != 0)
        i++;
    return i;
}

static int join(kpu_digits *digits, const char *const *names, const kpu_setting *group,
                const kpu_list_entry *entry, kpu_diag *diag)
{
    size_t axis = find_name(names, digits->axis_count, entry->text);
    if (axis == digits->axis_count) {
        const char *near = kpu_nearest_name(entry->text, names, digits->axis_count);
        return kpu_diag_add_at(diag, KPU_E_INPUT, &entry->place,
                               "lockstep %s: '%s' is no axis of the same kind as the others%s%s%s",
                               group->name, entry->text, near ? "; did you mean '" : "",
                               near ? near : "", near ? "'?" : "");
    }
    if (digits->group_of[axis]) {
        return kpu_diag_add_at(diag, KPU_E_INPUT, &entry->place,
                               "lockstep %s: '%s' already advances with the group %s", group->name,
                               entry->text, digits->group_of[axis]->name);
    }
    digits->group_of[axis] = group;
    return KPU_OK;
}

static int read_group(kpu_digits *digits, const char *const *names, const kpu_setting *group,
                      kpu_diag *diag)
{
    kpu_list_entry *entries;
    size_t count;
    int code = kpu_list_split(group, &entries, &count, diag);
    if (code != KPU_OK)
        return code;
    /* A dot makes a machine key: "l2.banks". */
    bool is_ours = (strchr(entries[0].text, '.') != NULL) == digits->of_machine;
    if (count < 2 && is_ours) {
        code = kpu_diag_add_at(diag, KPU_E_INPUT, &group->place,
                               "lockstep %s: a group needs at least two axes, such as TM, TN",
                               group->name);
    }
    for (size_t i = 0; i < count && count > 1 && is_ours; i++) {
        int joined = join(digits, names, group, &entries[i], diag);
        code = joined != KPU_OK ? joined : code;
    }
    kpu_list_free(entries, count);
    return code;
}

static void number_digits(kpu_digits *digits)
{
    digits->digit_count = 0;
    for (size_t a = 0; a < digits->axis_count; a++) {
        size_t leader = 0;
        while (leader < a &&
               (!digits->group_of[a] || digits->group_of[leader] != digits->group_of[a]))
            leader++;
        digits->digit_of[a] = leader < a ? digits->digit_of[leader] : digits->digit_count++;
    }
}

int kpu_digits_make(kpu_digits *digits, const char *const *names, const kpu_ini *sweep,
                    kpu_diag *diag)
{
    int worst = KPU_OK;
    for (size_t i = 0; i < sweep->count; i++) {
        if (strcmp(sweep->settings[i].section, section) != 0)
            continue;
        int code = read_group(digits, names, &sweep->settings[i], diag);
        worst = code != KPU_OK ? code : worst;
    }
    number_digits(digits);
    return worst;
}

int kpu_digits_lengths(const kpu_digits *digits, const char *const *names,
                       const int64_t *axis_lengths, const char *whose, int64_t *out, kpu_diag *diag)
{
    size_t leader[KPU_DIGITS_MAX];
    size_t known = 0;
    for (size_t a = 0; a < digits->axis_count; a++) {
        size_t digit = digits->digit_of[a];
        if (digit == known) {
            leader[known++] = a;
            out[digit] = axis_lengths[a];
        } else if (out[digit] != axis_lengths[a]) {
            const kpu_setting *group = digits->group_of[a];
            return kpu_diag_add_at(
                diag, KPU_E_INPUT, &group->place,
                "lockstep %s: %s has %" PRId64 " values, %s has %" PRId64 "%s; they must agree",
                group->name, names[leader[digit]], out[digit], names[a], axis_lengths[a], whose);
        }
    }
    return KPU_OK;
}
