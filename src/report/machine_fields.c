/* The keys of a machine with their values as text, from the same table that reads JSON cases. */
#include <string.h>

#include "kpu/report.h"
#include "report/case_fields.h"

size_t kpu_machine_field_count(void)
{
    size_t count = 0;
    for (size_t g = 0; g < KPU_HW_GROUPS; g++)
        count += kpu_hw_groups[g].count;
    return count;
}

static const kpu_field *field_at(size_t index, const char **section)
{
    size_t g = 0;
    for (; index >= kpu_hw_groups[g].count; g++)
        index -= kpu_hw_groups[g].count;
    *section = kpu_hw_groups[g].name;
    return &kpu_hw_groups[g].fields[index];
}

kpu_machine_field kpu_machine_field_at(size_t index)
{
    kpu_machine_field out = {0};
    const kpu_field *field = field_at(index, &out.section);
    out.name = field->name;
    out.is_integer = field->type == KPU_FIELD_INT;
    out.is_word = field->type == KPU_FIELD_WORD;
    return out;
}

/* A decimal without an exponent, which is what the keys of an INI file take. */
static void put_decimal(kpu_text *text, double value)
{
    kpu_text shortest = {0};
    kpu_text_put_double(&shortest, value);
    if (shortest.data && !strchr(shortest.data, 'e'))
        kpu_text_put(text, shortest.data);
    else
        kpu_text_format(text, "%.20f", value);
    text->failed |= shortest.failed;
    kpu_text_fini(&shortest);
}

void kpu_machine_put_field(kpu_text *text, const kpu_machine *machine, size_t index)
{
    const char *section;
    const kpu_field *field = field_at(index, &section);
    const void *value = (const char *)machine + field->offset;
    if (field->type == KPU_FIELD_INT)
        kpu_text_put_int(text, *(const int64_t *)value);
    else if (field->type == KPU_FIELD_WORD)
        kpu_text_put(text, field->words[*(const int64_t *)value]);
    else if (field->type == KPU_FIELD_RATIONAL)
        kpu_text_put_rational(text, *(const kpu_rational *)value);
    else
        put_decimal(text, *(const double *)value);
}

void kpu_machine_put_ini(kpu_text *text, const kpu_machine *machine)
{
    const char *open_section = "";
    kpu_text_format(text, "[machine]\nname = %s\n", machine->name);
    for (size_t i = 0; i < kpu_machine_field_count(); i++) {
        kpu_machine_field field = kpu_machine_field_at(i);
        if (strcmp(field.section, open_section) != 0)
            kpu_text_format(text, "[%s]\n", field.section);
        open_section = field.section;
        kpu_text_format(text, "%s = ", field.name);
        kpu_machine_put_field(text, machine, i);
        kpu_text_put(text, "\n");
    }
}
