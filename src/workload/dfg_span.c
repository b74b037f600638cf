/* Parts of a line of a .dfg: separators, numbers, names, types. */
#include "workload/dfg.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGE_BYTES = 512, SHOWN_BYTES = 60, TYPE_NAME_MAX = 32 };

int dfg_complain(dfg *d, const char *where, const char *format, ...)
{
    char message[MESSAGE_BYTES];
    va_list list;
    va_start(list, format);
    vsnprintf(message, sizeof message, format, list);
    va_end(list);
    bool shown = d->line.end - d->line.begin <= DFG_SHOWN_LINE_MAX;
    const kpu_place place = {d->source->path, d->number, where ? where - d->line.begin + 1 : 0,
                             shown ? d->line.begin : NULL};
    d->complaints++;
    d->code = kpu_diag_add_at(d->diag, KPU_E_INPUT, &place, "%s", message);
    return d->code;
}

int dfg_out_of_memory(dfg *d)
{
    d->complaints++;
    d->code = kpu_diag_add(d->diag, KPU_E_MEMORY, "out of memory");
    return d->code;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

dfg_span dfg_trim(dfg_span span)
{
    while (span.begin < span.end && is_blank(*span.begin))
        span.begin++;
    while (span.begin < span.end && is_blank(span.end[-1]))
        span.end--;
    return span;
}

bool dfg_cut(dfg_span *rest, char separator, dfg_span *out)
{
    int depth = 0;
    const char *at = rest->begin;
    if (!at)
        return false;
    for (; at < rest->end && !(*at == separator && depth == 0); at++) {
        if (*at == '\\' && at + 1 < rest->end)
            at++;
        else if (separator == ',' && strchr("<[({", *at))
            depth++;
        else if (depth > 0 && strchr(">])}", *at))
            depth--;
    }
    *out = dfg_trim((dfg_span){rest->begin, at});
    rest->begin = at < rest->end ? at + 1 : NULL;
    return true;
}

int dfg_split(dfg_span span, char separator, dfg_span *parts, int most)
{
    int count = 0;
    for (dfg_span part; dfg_cut(&span, separator, &part); count++)
        if (count < most)
            parts[count] = part;
    return count;
}

bool dfg_is(dfg_span span, const char *text)
{
    size_t length = strlen(text);
    return (size_t)(span.end - span.begin) == length && memcmp(span.begin, text, length) == 0;
}

bool dfg_skip(dfg_span *span, const char *text)
{
    size_t length = strlen(text);
    dfg_span trimmed = dfg_trim(*span);
    if ((size_t)(trimmed.end - trimmed.begin) < length || memcmp(trimmed.begin, text, length) != 0)
        return false;
    trimmed.begin += length;
    *span = dfg_trim(trimmed);
    return true;
}

bool dfg_skip_word(dfg_span *span, const char *word)
{
    dfg_span rest = *span;
    size_t length = strlen(word);
    if (!dfg_skip(&rest, word))
        return false;
    const char *after = dfg_trim(*span).begin + length;
    if (after < span->end && !is_blank(*after))
        return false;
    *span = rest;
    return true;
}

static int shown(dfg_span span)
{
    return (int)(span.end - span.begin < SHOWN_BYTES ? span.end - span.begin : SHOWN_BYTES);
}

int dfg_int(dfg *d, dfg_span span, const char *what, int64_t *out)
{
    int64_t value = 0;
    const char *at = span.begin;
    for (; at < span.end && *at >= '0' && *at <= '9'; at++) {
        if (kpu_mul_overflows(value, 10, &value) || kpu_add_overflows(value, *at - '0', &value))
            return dfg_complain(d, span.begin, "%s is too large", what);
    }
    if (at == span.begin || at < span.end)
        return dfg_complain(d, span.begin, "'%.*s': expected %s, a whole number", shown(span),
                            span.begin, what);
    *out = value;
    return KPU_OK;
}

int dfg_text(dfg *d, dfg_span span, size_t max_bytes, char **out)
{
    char *copy = kpu_graph_copy(d->graph, span.begin, (size_t)(span.end - span.begin));
    if (!copy)
        return dfg_out_of_memory(d);
    size_t length = 0;
    for (const char *at = span.begin; at < span.end; at++) {
        if (*at == '\\' && at + 1 < span.end)
            at++;
        copy[length++] = *at;
    }
    copy[length] = '\0';
    const char *fault = kpu_graph_name_fault(copy, max_bytes);
    if (!fault && length == 0 && max_bytes == KPU_GRAPH_NAME_MAX)
        fault = "is empty; expected a name";
    if (fault)
        return dfg_complain(d, span.begin, "'%.*s' %s", shown(span), span.begin, fault);
    *out = copy;
    return KPU_OK;
}

static int complain_type(dfg *d, dfg_span span)
{
    return dfg_complain(d, span.begin, "'%.*s' is no type; expected one such as tensor<4x16xf32>",
                        shown(span), span.begin);
}

static int take_element_type(dfg *d, dfg_span span, kpu_tensor *out)
{
    char name[TYPE_NAME_MAX + 1];
    snprintf(name, sizeof name, "%.*s",
             (int)(span.end - span.begin < TYPE_NAME_MAX ? span.end - span.begin : TYPE_NAME_MAX),
             span.begin);
    out->dtype = kpu_dtype_find(name);
    if (out->dtype >= 0)
        return KPU_OK;
    const char *nearest = kpu_dtype_nearest(name);
    return dfg_complain(d, span.begin, "unknown element type '%s'; %s '%s'%s", name,
                        nearest ? "did you mean" : "expected one such as",
                        nearest ? nearest : "f32", nearest ? "?" : "");
}

int dfg_type(dfg *d, dfg_span span, kpu_tensor *out)
{
    static const char open[] = "tensor<";
    dfg_span rest = {span.begin + strlen(open), span.end - 1}, part;
    *out = (kpu_tensor){0};
    if ((size_t)(span.end - span.begin) <= strlen(open) ||
        memcmp(span.begin, open, strlen(open)) != 0 || span.end[-1] != '>')
        return complain_type(d, span);
    while (rest.begin && rest.begin < rest.end && *rest.begin >= '0' && *rest.begin <= '9' &&
           dfg_cut(&rest, 'x', &part)) {
        if (out->rank == KPU_RANK_MAX)
            return dfg_complain(d, span.begin, "more than %d dimensions", KPU_RANK_MAX);
        int code = dfg_int(d, part, "a dimension", &out->shape[out->rank++]);
        if (code != KPU_OK)
            return code;
    }
    if (rest.begin && rest.begin < rest.end && *rest.begin == '?')
        return dfg_complain(d, rest.begin, "a dimension that is not known; expected a number");
    if (!rest.begin || rest.begin == rest.end)
        return complain_type(d, span);
    int code = take_element_type(d, rest, out);
    const char *fault = code == KPU_OK ? kpu_graph_shape_fault(out) : NULL;
    return fault ? dfg_complain(d, span.begin, "%s", fault) : code;
}
