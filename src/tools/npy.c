/* The header is the text of a Python dictionary, as {'descr': '<f4', 'fortran_order': False,
 * 'shape': (3, 4), }, behind a magic, a version and its length. */
#include "tools/npy.h"

#include <inttypes.h>
#include <string.h>

static const char magic[] = "\x93NUMPY";
enum { MAGIC = sizeof magic - 1, ALIGNMENT = 64 };

/* How an element type of ours is written in a header. */
static const struct {
    int dtype;
    char kind;
    const char *descr;
} types[] = {{KPU_F64, 'f', "<f8"},  {KPU_F32, 'f', "<f4"}, {KPU_F16, 'f', "<f2"},
             {KPU_BF16, 'V', "|V2"}, {KPU_I64, 'i', "<i8"}, {KPU_I32, 'i', "<i4"},
             {KPU_I16, 'i', "<i2"},  {KPU_I8, 'i', "|i1"},  {KPU_U8, 'u', "|u1"},
             {KPU_BOOL, 'b', "|b1"}};
enum { TYPES = sizeof types / sizeof *types };

bool kpu_npy_is(const void *data, size_t bytes)
{
    return bytes >= MAGIC && memcmp(data, magic, MAGIC) == 0;
}

size_t kpu_npy_header_bytes(const void *data)
{
    const unsigned char *at = (const unsigned char *)data + MAGIC;
    size_t text = (size_t)at[2] | (size_t)at[3] << 8;
    size_t before = MAGIC + 4;
    if (at[0] < 1 || at[0] > 3)
        return 0;
    if (at[0] > 1) {
        text |= (size_t)at[4] << 16 | (size_t)at[5] << 24;
        before += 2;
    }
    return text <= KPU_NPY_HEADER_MAX - before ? before + text : 0;
}

/* ---- Reading ----------------------------------------------------------------------------- */

typedef struct reader {
    const char *path, *begin, *at, *end;
    kpu_npy *out;
    bool has_descr, has_order, has_shape;
    kpu_diag *diag;
} reader;

/* "path: message" with the offset of what was read last. */
static int complain(const reader *r, const char *expected)
{
    const kpu_place place = {.file = r->path};
    if (r->at == r->end)
        return kpu_diag_add_at(r->diag, KPU_E_INPUT, &place,
                               "its .npy header ends at byte %td, expected %s", r->at - r->begin,
                               expected);
    return kpu_diag_add_at(r->diag, KPU_E_INPUT, &place, "byte %td of its .npy header: expected %s",
                           r->at - r->begin, expected);
}

static void skip_spaces(reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\t'))
        r->at++;
}

/* Takes `word` if it comes next. */
static bool take(reader *r, const char *word)
{
    size_t length = strlen(word);
    skip_spaces(r);
    if ((size_t)(r->end - r->at) < length || memcmp(r->at, word, length) != 0)
        return false;
    r->at += length;
    return true;
}

/* A string in single or double quotes, without escapes. */
static bool take_string(reader *r, char *out, size_t size)
{
    skip_spaces(r);
    if (r->at == r->end || (*r->at != '\'' && *r->at != '"'))
        return false;
    const char *text = r->at + 1;
    const char *quote = memchr(text, *r->at, (size_t)(r->end - text));
    if (!quote || (size_t)(quote - text) >= size || memchr(text, '\\', (size_t)(quote - text)))
        return false;
    memcpy(out, text, (size_t)(quote - text));
    out[quote - text] = '\0';
    r->at = quote + 1;
    return true;
}

static bool take_size(reader *r, int64_t *out)
{
    skip_spaces(r);
    const char *first = r->at;
    int64_t value = 0;
    for (; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++)
        if (kpu_mul_overflows(value, 10, &value) || kpu_add_overflows(value, *r->at - '0', &value))
            return false;
    *out = value;
    return r->at > first;
}

static int read_shape(reader *r)
{
    kpu_npy *out = r->out;
    if (!take(r, "("))
        return complain(r, "the shape in parentheses");
    for (out->rank = 0; !take(r, ")");) {
        if (out->rank == KPU_RANK_MAX)
            return complain(r, "at most 8 dimensions");
        if (!take_size(r, &out->shape[out->rank]))
            return complain(r, "the size of a dimension");
        out->rank++;
        if (!take(r, ",") && (r->at == r->end || *r->at != ')'))
            return complain(r, "a comma or the end of the shape");
    }
    r->has_shape = true;
    return KPU_OK;
}

static int read_order(reader *r)
{
    r->out->fortran_order = take(r, "True");
    if (!r->out->fortran_order && !take(r, "False"))
        return complain(r, "True or False");
    r->has_order = true;
    return KPU_OK;
}

/* Byte order, kind, bytes of an element: "<f4". */
static int read_descr(reader *r)
{
    enum { DESCR_MAX = 16 };
    char text[DESCR_MAX];
    const kpu_place place = {.file = r->path};
    skip_spaces(r);
    if (r->at < r->end && *r->at == '[')
        return kpu_diag_add_at(r->diag, KPU_E_INPUT, &place,
                               "its elements are records, expected numbers");
    if (!take_string(r, text, sizeof text))
        return complain(r, "the type of the elements, as '<f4'");
    int bytes = text[0] && text[1] ? text[2] - '0' : 0;
    if (!text[0] || !strchr("<|>=", text[0]) || !strchr("fiubV", text[1]) || bytes < 1 ||
        bytes > 8 || text[3])
        return kpu_diag_add_at(r->diag, KPU_E_INPUT, &place,
                               "its elements are of type '%s', expected one of f8 f4 f2 i8 i4 i2 "
                               "i1 u1 b1, or V2 for bf16",
                               text);
    if (text[0] == '>' && bytes > 1)
        return kpu_diag_add_at(r->diag, KPU_E_INPUT, &place,
                               "its elements are big-endian ('%s'), expected little-endian", text);
    r->out->kind = text[1];
    r->out->item_bytes = bytes;
    r->has_descr = true;
    return KPU_OK;
}

static int read_item(reader *r)
{
    enum { KEY_MAX = 32 };
    static const struct {
        const char *name;
        int (*read)(reader *r);
    } items[] = {{"descr", read_descr}, {"fortran_order", read_order}, {"shape", read_shape}};
    char name[KEY_MAX];
    if (!take_string(r, name, sizeof name))
        return complain(r, "'descr', 'fortran_order' or 'shape'");
    for (size_t i = 0; i < sizeof items / sizeof *items; i++)
        if (strcmp(name, items[i].name) == 0) {
            const bool seen[] = {r->has_descr, r->has_order, r->has_shape};
            if (seen[i])
                return complain(r, "each key once");
            return take(r, ":") ? items[i].read(r) : complain(r, "a colon");
        }
    return complain(r, "'descr', 'fortran_order' or 'shape'");
}

static int read_dictionary(reader *r)
{
    int status = take(r, "{") ? KPU_OK : complain(r, "a dictionary in braces");
    while (!status && !take(r, "}")) {
        status = read_item(r);
        if (!status && !take(r, ",") && (r->at == r->end || *r->at != '}'))
            status = complain(r, "a comma or the end of the dictionary");
    }
    skip_spaces(r);
    if (!status && r->at < r->end)
        status = complain(r, "nothing after the dictionary");
    if (!status && !(r->has_descr && r->has_order && r->has_shape))
        status = complain(r, "each of 'descr', 'fortran_order' and 'shape'");
    return status;
}

int kpu_npy_parse(const char *path, const void *data, size_t bytes, kpu_npy *out, kpu_diag *diag)
{
    const kpu_place place = {.file = path};
    memset(out, 0, sizeof *out);
    if (!kpu_npy_is(data, bytes))
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place, "is no .npy file");
    if (bytes < KPU_NPY_FIRST_BYTES)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place, "its .npy header ends at byte %zu",
                               bytes);
    const unsigned char *version = (const unsigned char *)data + MAGIC;
    out->data_offset = kpu_npy_header_bytes(data);
    if (version[0] < 1 || version[0] > 3 || version[1] != 0)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                               "is a .npy file of version %d.%d, expected 1.0, 2.0 or 3.0",
                               version[0], version[1]);
    if (!out->data_offset)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place, "its .npy header is longer than %d bytes",
                               KPU_NPY_HEADER_MAX);
    if (out->data_offset > bytes)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                               "its .npy header ends at byte %zu, expected %zu bytes", bytes,
                               out->data_offset);
    reader r = {.path = path, .begin = data, .out = out, .diag = diag};
    r.at = r.begin + MAGIC + (version[0] == 1 ? 4 : 6);
    r.end = r.begin + out->data_offset;
    return read_dictionary(&r);
}

/* ---- Types, writing ---------------------------------------------------------------------- */

bool kpu_npy_holds(const kpu_npy *npy, int dtype)
{
    if (npy->item_bytes != kpu_dtype_bytes(dtype))
        return false;
    for (size_t i = 0; i < TYPES; i++)
        if (types[i].dtype == dtype)
            return npy->kind == types[i].kind || (types[i].kind == 'V' && npy->kind == 'u');
    return false;
}

static const char *descr_of(int dtype)
{
    for (size_t i = 0; i < TYPES; i++)
        if (types[i].dtype == dtype)
            return types[i].descr;
    return "";
}

void kpu_npy_put_header(kpu_text *out, int dtype, const int64_t *shape, int rank)
{
    enum { BEFORE = MAGIC + 4 };
    kpu_text dictionary = {0};
    kpu_text_format(&dictionary, "{'descr': '%s', 'fortran_order': False, 'shape': (",
                    descr_of(dtype));
    for (int i = 0; i < rank; i++)
        kpu_text_format(&dictionary, "%s%" PRId64 "%s", i ? ", " : "", shape[i],
                        rank == 1 ? "," : "");
    kpu_text_put(&dictionary, "), }");
    size_t padding = ALIGNMENT - 1 - (BEFORE + dictionary.length) % ALIGNMENT;
    kpu_text_repeat(&dictionary, ' ', (int)padding);
    kpu_text_put(&dictionary, "\n");
    const char before[BEFORE - MAGIC] = {1, 0, (char)(dictionary.length & 0xFF),
                                         (char)(dictionary.length >> 8)};
    kpu_text_put_bytes(out, magic, MAGIC);
    kpu_text_put_bytes(out, before, sizeof before);
    if (!dictionary.failed)
        kpu_text_put_bytes(out, dictionary.data, dictionary.length);
    out->failed |= dictionary.failed;
    kpu_text_fini(&dictionary);
}
