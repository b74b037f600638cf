/* The tables of keys and of metrics as reference pages: for a terminal, and for docs/. */
#include <string.h>

#include "kpu/config.h"
#include "kpu/report.h"

enum { INDENT = 4, WIDTH = 79 };

static const char *const sense_texts[] = {
    [KPU_SENSE_NONE] = "", [KPU_SENSE_MIN] = "min", [KPU_SENSE_MAX] = "max"};

/* Words wrapped, each line indented. */
static void put_wrapped(kpu_text *text, const char *words)
{
    int at = 0;
    while (*words) {
        int length = (int)strcspn(words, " ");
        if (at == 0 || at + 1 + length > WIDTH) {
            kpu_text_put(text, at == 0 ? "" : "\n");
            kpu_text_repeat(text, ' ', INDENT);
            at = INDENT;
        } else {
            kpu_text_put(text, " ");
            at++;
        }
        kpu_text_put_bytes(text, words, (size_t)length);
        at += length;
        words += length;
        words += strspn(words, " ");
    }
    kpu_text_put(text, "\n");
}

/* ---- Keys ------------------------------------------------------------------------------- */

static const char *const type_texts[] = {[KPU_KEY_INT] = "integer",
                                         [KPU_KEY_RATIONAL] = "number or quotient",
                                         [KPU_KEY_REAL] = "number",
                                         [KPU_KEY_WORD] = "word",
                                         [KPU_KEY_TEXT] = "text"};

static void put_bounds(kpu_text *text, const kpu_key *key)
{
    if (key->words) {
        kpu_text_put(text, key->words);
        return;
    }
    if (key->min == 0 && key->max == 0)
        return;
    kpu_text_put_double(text, key->min);
    kpu_text_put(text, " .. ");
    kpu_text_put_double(text, key->max);
}

static void put_default(kpu_text *text, const kpu_key *key)
{
    if (key->fallback)
        kpu_text_put(text, key->fallback);
    else
        kpu_text_put(text, key->required ? "required" : "none");
}

static const char *axis_text(const kpu_key *key)
{
    return key->axis ? ", list or range" : "";
}

static bool begins_section(size_t index)
{
    const kpu_key *key = kpu_key_at(index);
    return index == 0 || key->file != kpu_key_at(index - 1)->file ||
           strcmp(key->section, kpu_key_at(index - 1)->section) != 0;
}

void kpu_reference_put_keys(kpu_text *text)
{
    for (size_t i = 0; i < kpu_key_count(); i++) {
        const kpu_key *key = kpu_key_at(i);
        if (begins_section(i))
            kpu_text_format(text, "%s[%s]%s\n", i > 0 ? "\n" : "", key->section,
                            key->file == KPU_FILE_MACHINE ? " of a machine" : " of a sweep");
        kpu_text_format(text, "  %s: %s%s", key->name, type_texts[key->type], axis_text(key));
        kpu_text_format(text, "%s%s", *key->unit ? ", in " : "", key->unit);
        kpu_text_put(text, "; default ");
        put_default(text, key);
        kpu_text_put(text, key->words || key->min != 0 || key->max != 0 ? "; " : "");
        put_bounds(text, key);
        kpu_text_put(text, "\n");
        put_wrapped(text, key->help);
    }
}

static void put_key_row(kpu_text *text, const kpu_key *key)
{
    kpu_text_format(text, "| `%s` | %s%s | %s | ", key->name, type_texts[key->type], axis_text(key),
                    key->unit);
    put_default(text, key);
    kpu_text_put(text, " | ");
    put_bounds(text, key);
    kpu_text_format(text, " | %s", key->help);
    if (key->alternative)
        kpu_text_format(text, "; or `%s`", key->alternative);
    kpu_text_put(text, " |\n");
}

void kpu_reference_put_keys_markdown(kpu_text *text)
{
    kpu_text_put(text, "# Keys\n\n"
                       "Every key of every file, printed by `kpu-dse keys --markdown` from the\n"
                       "table that also reads the files.\n");
    for (size_t i = 0; i < kpu_key_count(); i++) {
        const kpu_key *key = kpu_key_at(i);
        if (i == 0 || key->file != kpu_key_at(i - 1)->file)
            kpu_text_put(text, key->file == KPU_FILE_MACHINE ? "\n## Machines: `configs/NAME.ini`\n"
                                                             : "\n## Sweeps: `sweeps/NAME.ini`\n");
        if (begins_section(i))
            kpu_text_format(text,
                            "\n### `[%s]`\n\n"
                            "| key | value | unit | default | allowed | meaning |\n"
                            "| --- | --- | --- | --- | --- | --- |\n",
                            key->section);
        put_key_row(text, key);
    }
}

/* ---- Metrics ---------------------------------------------------------------------------- */

void kpu_reference_put_metrics(kpu_text *text)
{
    for (size_t i = 0; i < kpu_metric_count(); i++) {
        const kpu_metric *metric = kpu_metric_at(i);
        const char *sense = sense_texts[metric->sense];
        kpu_text_format(text, "%s [%s]%s%s\n", metric->name, metric->unit, *sense ? ", " : "",
                        sense);
        put_wrapped(text, metric->description);
    }
}

void kpu_reference_put_metrics_markdown(kpu_text *text)
{
    kpu_text_put(text, "# Metrics\n\n"
                       "Every metric of a candidate, printed by `kpu-dse metrics --markdown`: the\n"
                       "columns of `/metrics` in a results file. What has a better direction can\n"
                       "be an objective.\n\n"
                       "| metric | unit | better | what it is |\n"
                       "| --- | --- | --- | --- |\n");
    for (size_t i = 0; i < kpu_metric_count(); i++) {
        const kpu_metric *metric = kpu_metric_at(i);
        kpu_text_format(text, "| `%s` | %s | %s | %s |\n", metric->name, metric->unit,
                        sense_texts[metric->sense], metric->description);
    }
}
