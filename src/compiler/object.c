/* The object file: which form it is in, and files. */
#include "kpu/kpu_object.h"

#include <stdlib.h>
#include <string.h>

#include "compiler/object_binary.h"
#include "compiler/object_json.h"

const char *const kpu_object_format_names[KPU_OBJECT_FORMATS] = {
    [KPU_OBJECT_JSON] = "json",
    [KPU_OBJECT_BINARY] = "binary",
};

void kpu_object_print(const kpu_dfx *dfx, kpu_object_format format, kpu_text *out)
{
    static void (*const prints[KPU_OBJECT_FORMATS])(const kpu_dfx *, kpu_text *) = {
        [KPU_OBJECT_JSON] = kpu_object_print_json,
        [KPU_OBJECT_BINARY] = kpu_object_print_binary,
    };
    prints[format](dfx, out);
}

/* DFX text ends with a NUL for its reader. */
static int parse_text(const char *path, const char *text, size_t bytes, kpu_dfx **out,
                      kpu_diag *diag)
{
    char *copy = malloc(bytes + 1);
    if (!copy)
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    memcpy(copy, text, bytes);
    copy[bytes] = '\0';
    int status = kpu_dfx_parse(path, copy, bytes, out, diag);
    free(copy);
    return status;
}

/* Where the first thing stands that is no blank. */
static size_t skip_blanks(const char *text, size_t bytes)
{
    size_t at = 0;
    while (at < bytes && text[at] != '\0' && strchr(" \t\r\n", text[at]))
        at++;
    return at;
}

/* It begins with its version, or with a comment. */
static bool is_dfx_text(const char *text, size_t bytes)
{
    static const char word[] = "dfx";
    size_t length = sizeof word - 1;
    return text[0] == '#' || (bytes > length && memcmp(text, word, length) == 0 &&
                              (text[length] == ' ' || text[length] == '\t'));
}

static int parse_any(const char *path, const char *text, size_t bytes, kpu_dfx **out,
                     kpu_diag *diag)
{
    const kpu_place place = {.file = path};
    if (kpu_object_is_binary(text, bytes)) {
        object_frame frame = {
            .path = path, .data = (const unsigned char *)text, .bytes = bytes, .diag = diag};
        return kpu_object_parse_binary(&frame, out);
    }
    size_t first = skip_blanks(text, bytes);
    if (first == bytes)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place, "empty: no object");
    if (text[first] == '{')
        return kpu_object_parse_json(path, text, bytes, out, diag);
    if (is_dfx_text(text + first, bytes - first))
        return parse_text(path, text, bytes, out, diag);
    return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                           "no object: it begins neither with \"KPU\" and a NUL (binary), nor with "
                           "{ (JSON), nor with dfx (DFX text)");
}

int kpu_object_parse(const char *path, const void *data, size_t bytes, kpu_dfx **out,
                     kpu_diag *diag)
{
    kpu_dfx *dfx = NULL;
    *out = NULL;
    if (bytes > (size_t)KPU_OBJECT_BYTES_MAX) {
        const kpu_place place = {.file = path};
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place, "too large: more than %d MiB",
                               (int)(KPU_OBJECT_BYTES_MAX >> 20));
    }
    int status = parse_any(path, data, bytes, &dfx, diag);
    if (!status)
        status = kpu_dfx_verify(dfx, path, diag);
    if (status)
        kpu_dfx_free(dfx);
    else
        *out = dfx;
    return status;
}

int kpu_object_read(const char *path, kpu_dfx **out, kpu_diag *diag)
{
    char *data;
    size_t bytes;
    *out = NULL;
    int status = kpu_file_read(path, KPU_OBJECT_BYTES_MAX, &data, &bytes, diag);
    if (status)
        return status;
    status = kpu_object_parse(path, data, bytes, out, diag);
    free(data);
    return status;
}

int kpu_object_write(const char *path, const kpu_dfx *dfx, kpu_object_format format, kpu_diag *diag)
{
    const kpu_place place = {.file = path};
    kpu_text text = {0};
    int status = KPU_OK;
    kpu_object_print(dfx, format, &text);
    if (text.failed)
        status = kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    else if (text.length > (size_t)KPU_OBJECT_BYTES_MAX)
        status = kpu_diag_add_at(
            diag, KPU_E_RANGE, &place,
            "the object would have %zu bytes; at most %lld are allowed%s", text.length,
            (long long)KPU_OBJECT_BYTES_MAX,
            format == KPU_OBJECT_BINARY ? "" : "; the form binary is smaller (--format binary)");
    else
        status = kpu_file_write(path, text.data, text.length, diag);
    kpu_text_fini(&text);
    return status;
}
