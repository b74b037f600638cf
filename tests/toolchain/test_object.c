/* Object files: what is written is read back, in both forms; what is damaged is refused. */
#include "kpu/kpu_object.h"

#include "object_bytes.h"
#include "random_program.h"
#include "run_suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PROGRAMS = 500, SMALL_PROGRAMS = 2 };

static kpu_dfx *draw(uint64_t seed, uint64_t number)
{
    random_program p;
    random_program_draw(seed, number, &p);
    kpu_dfx *dfx = random_program_build(&p);
    CU_ASSERT_PTR_NOT_NULL_FATAL(dfx);
    return dfx;
}

/* NULL if it is refused; then with a complaint, else without. */
static kpu_dfx *parse(const void *data, size_t bytes)
{
    kpu_dfx *dfx;
    kpu_diag diag = {0};
    int status = kpu_object_parse("x.kpu", data, bytes, &dfx, &diag);
    CU_ASSERT_EQUAL(status == KPU_OK, dfx != NULL);
    CU_ASSERT_EQUAL(status == KPU_OK, diag.count == 0);
    kpu_diag_fini(&diag);
    return dfx;
}

static bool same_bytes(const kpu_dfx *dfx, kpu_object_format format, const void *data, size_t bytes)
{
    kpu_text text = {0};
    kpu_object_print(dfx, format, &text);
    bool same = !text.failed && text.length == bytes && memcmp(text.data, data, bytes) == 0;
    kpu_text_fini(&text);
    return same;
}

static void test_what_is_printed_is_parsed(void)
{
    for (uint64_t n = 0; n < PROGRAMS; n++) {
        kpu_dfx *dfx = draw(21, n);
        for (int f = 0; f < KPU_OBJECT_FORMATS; f++) {
            kpu_text text = {0};
            kpu_object_print(dfx, (kpu_object_format)f, &text);
            kpu_dfx *again = parse(text.data, text.length);
            CU_ASSERT_PTR_NOT_NULL_FATAL(again);
            CU_ASSERT(kpu_dfx_equal(dfx, again));
            CU_ASSERT(same_bytes(again, (kpu_object_format)f, text.data, text.length));
            kpu_dfx_free(again);
            kpu_text_fini(&text);
        }
        kpu_dfx_free(dfx);
    }
}

/* Files of this version stay readable, and are printed to the byte: a change of the format counts
 * its version up. */
static void test_files_of_this_version(void)
{
    static const char *const names[] = {"matmul", "mlp"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        kpu_dfx *read[KPU_OBJECT_FORMATS];
        for (int f = 0; f < KPU_OBJECT_FORMATS; f++) {
            char path[512], *data;
            size_t bytes;
            snprintf(path, sizeof path, KPU_SOURCE_DIR "/tests/fuzz/corpus/object/%s-%s.kpu",
                     names[i], kpu_object_format_names[f]);
            CU_ASSERT_EQUAL_FATAL(kpu_file_read(path, 1 << 20, &data, &bytes, NULL), KPU_OK);
            read[f] = parse(data, bytes);
            CU_ASSERT_PTR_NOT_NULL_FATAL(read[f]);
            CU_ASSERT(same_bytes(read[f], (kpu_object_format)f, data, bytes));
            free(data);
        }
        CU_ASSERT(kpu_dfx_equal(read[KPU_OBJECT_JSON], read[KPU_OBJECT_BINARY]));
        for (int f = 0; f < KPU_OBJECT_FORMATS; f++)
            kpu_dfx_free(read[f]);
    }
}

static void test_dfx_text_is_an_object_too(void)
{
    kpu_dfx *dfx = draw(22, 0);
    kpu_text text = {0};
    kpu_dfx_print(dfx, &text);
    kpu_dfx *again = parse(text.data, text.length);
    CU_ASSERT(again && kpu_dfx_equal(dfx, again));
    kpu_dfx_free(again);
    kpu_dfx_free(dfx);
    kpu_text_fini(&text);
}

static void test_a_cube_of_1024_is_small(void)
{
    random_program p;
    random_program_draw(23, 0, &p);
    kpu_candidate candidate;
    kpu_candidate_defaults(&candidate);
    for (int d = 0; d < KPU_DIMS; d++) {
        p.items[0].problem.dim[d] = 1024;
        candidate.tile[d] = 64;
    }
    const kpu_machine machine = {.dram_channels = 1,
                                 .l3_tiles = 1,
                                 .l3_tile_kib = 1 << 20,
                                 .l2_banks = 1,
                                 .l2_bank_kib = 1 << 20,
                                 .l1_buffers = 1,
                                 .l1_buffer_kib = 1 << 20,
                                 .fabric_rows = 16,
                                 .fabric_cols = 16,
                                 .registers_per_pe = 1024};
    kpu_mapping_make(&machine, &p.items[0].problem, &candidate, &p.mappings[0]);
    CU_ASSERT_EQUAL_FATAL(p.mappings[0].broken, 0);
    for (int x = 0; x < KPU_OPERANDS; x++) {
        kpu_tensor *tensor = &p.tensors[p.items[0].tensor[x]];
        tensor->rank = 2;
        tensor->shape[0] = tensor->shape[1] = 1024;
        p.items[0].batch_stride[x] = 0;
    }
    p.items[0].batch = 1;
    p.matmuls.count = 1;
    kpu_dfx *dfx = random_program_build(&p);
    CU_ASSERT_PTR_NOT_NULL_FATAL(dfx);
    for (int f = 0; f < KPU_OBJECT_FORMATS; f++) {
        kpu_text text = {0};
        kpu_object_print(dfx, (kpu_object_format)f, &text);
        CU_ASSERT(text.length > 500 && text.length < 8000); /* 100 kB are allowed */
        kpu_text_fini(&text);
    }
    kpu_dfx_free(dfx);
}

/* ---- Damage ------------------------------------------------------------------------------- */

typedef void check_bytes(const unsigned char *data, size_t bytes, void *copy);

static void each_small_program(kpu_object_format format, check_bytes *check)
{
    for (uint64_t n = 0; n < SMALL_PROGRAMS; n++) {
        kpu_dfx *dfx = draw(24, n);
        kpu_text text = {0};
        kpu_object_print(dfx, format, &text);
        void *copy = malloc(text.length);
        CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
        check((const unsigned char *)text.data, text.length, copy);
        free(copy);
        kpu_text_fini(&text);
        kpu_dfx_free(dfx);
    }
}

static void refuse_every_bit(const unsigned char *data, size_t bytes, void *copy)
{
    unsigned char *changed = copy;
    memcpy(changed, data, bytes);
    for (size_t bit = 0; bit < 8 * bytes; bit++) {
        if (bit / 8 == 6 || bit / 8 == 7)
            object_seal(changed, bytes);
        changed[bit / 8] ^= (unsigned char)(1u << bit % 8);
        kpu_dfx *dfx = parse(changed, bytes);
        CU_ASSERT_PTR_NULL(dfx);
        kpu_dfx_free(dfx);
        changed[bit / 8] = data[bit / 8];
    }
}

static void test_every_changed_bit_is_seen(void)
{
    each_small_program(KPU_OBJECT_BINARY, refuse_every_bit);
}

static void refuse_every_cut(const unsigned char *data, size_t bytes, void *copy)
{
    size_t whole = data[bytes - 1] == '\n' ? bytes - 1 : bytes; /* a last newline may be missing */
    for (size_t left = 0; left < whole; left += data[0] == '{' ? 7 : 1) {
        memcpy(copy, data, left);
        kpu_dfx *dfx = parse(copy, left);
        CU_ASSERT_PTR_NULL(dfx);
        kpu_dfx_free(dfx);
    }
}

static void test_every_cut_is_seen(void)
{
    each_small_program(KPU_OBJECT_BINARY, refuse_every_cut);
    each_small_program(KPU_OBJECT_JSON, refuse_every_cut);
}

/* With checksums that fit: refused, or it is the object of another program, to the byte. */
static void change_and_seal(const unsigned char *data, size_t bytes, void *copy)
{
    unsigned char *changed = copy;
    size_t accepted = 0;
    for (size_t at = 0; at < bytes; at++)
        for (unsigned change = 1; change < 256; change = 3 * change + 1) {
            memcpy(changed, data, bytes);
            changed[at] ^= (unsigned char)change;
            object_seal(changed, bytes);
            kpu_dfx *dfx = parse(changed, bytes);
            bool newer_minor = changed[6] || changed[7];
            CU_ASSERT(!dfx || newer_minor || same_bytes(dfx, KPU_OBJECT_BINARY, changed, bytes));
            accepted += dfx != NULL;
            kpu_dfx_free(dfx);
        }
    CU_ASSERT(accepted > 20 && accepted < bytes); /* names and hints may change */
}

static void test_no_byte_goes_unread(void)
{
    each_small_program(KPU_OBJECT_BINARY, change_and_seal);
}

enum { META, TENS, OPER, DEPS, HINT, STRS, SECTIONS };

/* ---- Sections and versions ---------------------------------------------------------------- */

/* The first complaint about an object, on one line. */
static void complaint_of(const void *data, size_t bytes, char out[512])
{
    kpu_diag diag = {0};
    kpu_dfx *dfx;
    kpu_object_parse("x.kpu", data, bytes, &dfx, &diag);
    snprintf(out, 512, "%s", diag.count > 0 ? diag.entries[0].message : "");
    kpu_dfx_free(dfx);
    kpu_diag_fini(&diag);
}

static void expect_complaint(const void *data, size_t bytes, const char *wanted)
{
    char got[512];
    complaint_of(data, bytes, got);
    bool found = strstr(got, wanted) != NULL;
    CU_ASSERT(found);
    if (!found)
        printf("\n  wanted: %s\n     got: %s\n", wanted, got);
}

typedef struct small_object {
    kpu_dfx *dfx;
    unsigned char *data; /* room for 256 bytes more */
    size_t bytes;
} small_object;

static small_object make_small(void)
{
    small_object s = {.dfx = draw(24, 0)};
    kpu_text text = {0};
    kpu_object_print(s.dfx, KPU_OBJECT_BINARY, &text);
    s.bytes = text.length;
    s.data = malloc(s.bytes + 256);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s.data);
    memcpy(s.data, text.data, s.bytes);
    kpu_text_fini(&text);
    return s;
}

static void free_small(small_object *s)
{
    kpu_dfx_free(s->dfx);
    free(s->data);
}

static void test_unknown_sections(void)
{
    small_object s = make_small();
    unsigned char *more = malloc(s.bytes + 256);
    CU_ASSERT_PTR_NOT_NULL_FATAL(more);
    size_t bytes = object_add_section(s.data, s.bytes, "NEWS", 1, 100, more);
    kpu_dfx *dfx = parse(more, bytes);
    CU_ASSERT(dfx && kpu_dfx_equal(dfx, s.dfx));
    kpu_dfx_free(dfx);
    size_t news, at = object_section_at(more, 0, &news);
    CU_ASSERT_EQUAL(news, 100);
    object_store(more + at + news - 1, 1, 1);
    expect_complaint(more, bytes, "damaged: section NEWS");
    bytes = object_add_section(s.data, s.bytes, "NEWS", 0, 100, more);
    expect_complaint(more, bytes, "section NEWS is unknown, and not one that may be skipped");
    bytes = object_add_section(s.data, s.bytes, "NEWS", 3, 100, more);
    expect_complaint(more, bytes, "section NEWS has unknown flags 0x3");
    bytes = object_add_section(s.data, s.bytes, "META", 0, 0, more);
    expect_complaint(more, bytes, "section META where TENS was expected");
    bytes = object_add_section(s.data, s.bytes, "META", 1, 0, more);
    expect_complaint(more, bytes, "section META has unknown flags 0x1");
    bytes = object_add_section(s.data, s.bytes, "NEWS", 1, 100, more);
    more[bytes - 1] ^= 1;
    expect_complaint(more, bytes, "damaged: section STRS");
    memcpy(s.data + object_entry(STRS), "NEWS\1", 5); /* with the flag of one that may be skipped */
    object_seal(s.data, s.bytes);
    expect_complaint(s.data, s.bytes, "section STRS is missing");
    free(more);
    free_small(&s);
}

static void test_versions(void)
{
    small_object s = make_small();
    s.data[6] = 7; /* 1.7 */
    object_seal(s.data, s.bytes);
    kpu_dfx *dfx = parse(s.data, s.bytes);
    CU_ASSERT(dfx && kpu_dfx_equal(dfx, s.dfx));
    kpu_dfx_free(dfx);
    s.data[4] = 2;
    expect_complaint(s.data, s.bytes,
                     "version 2.7 of the object format, from a newer program; this program reads "
                     "1.x");
    s.data[4] = 0;
    expect_complaint(s.data, s.bytes, "version 0.7 of the object format, which is none");
    free_small(&s);
}

typedef struct byte_change {
    size_t section; /* SECTIONS: of the whole file */
    size_t at;
    int bytes;
    uint64_t value;
    const char *complaint;
} byte_change;

static void test_bad_fields_have_a_place(void)
{
    static const byte_change changes[] = {
        {SECTIONS, 8, 4, 4, "byte 8: unknown flags 0x4"},
        {SECTIONS, 12, 4, 65, "byte 12: 65 sections; at most 64 are allowed"},
        {SECTIONS, 16 + 8, 8, 217, "section META begins at byte 217; expected 216"},
        {SECTIONS, 16 + 16, 8, 1 << 30, "cut off: section META has 1073741824 bytes from byte 216"},
        {META, 0, 4, 1, "section META, byte 216: expected string 0, got 1"},
        {META, 8, 4, 200000, "section META, byte 224: 200000 tensors; at most 100000 are allowed"},
        {META, 12, 4, 200000, "section META, byte 228: 200000 kernels; at most 100000 are allowed"},
        {TENS, 4, 1, 10, "section TENS, byte 236: tensor 0: dtype: expected 0 to 9, got 10"},
        {TENS, 5, 1, 4, "tensor 0: role: expected 0 to 3, got 4"},
        {TENS, 6, 4, 9, "tensor 0: 9 dimensions; at most 8 are allowed"},
        {OPER, 4, 8, UINT64_MAX,
         "kernel 0: M: expected 0 to 9223372036854775807, got 184467440737"},
        {OPER, 28, 1, 3, "kernel 0: dataflow: expected 0 to 2, got 3"},
        {DEPS, 0, 4, 1, "kernel 0: 1 kernels waited for; at most 0 are allowed"},
        {DEPS, 4, 4, 9, "kernel 0: operation 0: 9 operations waited for; at most 8 are allowed"},
        {HINT, 40, 8, UINT64_C(0x7FF0000000000000), "arithmetic_intensity: expected a number"},
        {HINT, 40, 8, UINT64_C(0xBFF0000000000000), "arithmetic_intensity: expected a number"},
        {
            STRS,
            0,
            4,
            1u << 31,
            "section STRS, byte",
        },
        {STRS, 4, 1, 7, "no text: a control character, or no UTF-8"},
        {STRS, 4, 1, '2', "a version of DFX that is not 1.0"},
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        const byte_change *c = &changes[i];
        small_object s = make_small();
        size_t bytes,
            at = c->section < SECTIONS ? object_section_at(s.data, c->section, &bytes) : 0;
        object_store(s.data + at + c->at, c->bytes, c->value);
        object_seal(s.data, s.bytes);
        expect_complaint(s.data, s.bytes, c->complaint);
        free_small(&s);
    }
}

static void test_bytes_at_the_end(void)
{
    small_object s = make_small();
    size_t bytes;
    s.data[s.bytes] = 0;
    expect_complaint(s.data, s.bytes + 1, "the last section ends at byte ");
    unsigned char *entry = s.data + object_entry(STRS);
    object_section_at(s.data, STRS, &bytes);
    object_store(entry + 16, 8, bytes + 1);
    object_seal(s.data, s.bytes + 1);
    expect_complaint(s.data, s.bytes + 1, "more than the section's contents");
    free_small(&s);
}

static void test_what_is_no_object(void)
{
    static const struct {
        const char *data;
        size_t bytes;
        const char *complaint;
    } inputs[] = {
        {"", 0, "empty: no object"},
        {" \n\t", 3, "empty: no object"},
        {"KPU\0", 4, "cut off in the header: 4 of 16 bytes"},
        {"KPV\0\1\0\0\0", 8, "no object: it begins neither with"},
        {"int main(void)\n", 15, "no object: it begins neither with"},
        {"df", 2, "no object: it begins neither with"},
    };
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++)
        expect_complaint(inputs[i].data, inputs[i].bytes, inputs[i].complaint);
}

/* ---- JSON --------------------------------------------------------------------------------- */

typedef struct text_change {
    const char *from, *to, *complaint;
} text_change;

static void expect_json_complaint(const text_change *change)
{
    small_object s = make_small();
    kpu_text text = {0}, changed = {0};
    kpu_object_print(s.dfx, KPU_OBJECT_JSON, &text);
    const char *at = strstr(text.data, change->from);
    CU_ASSERT_PTR_NOT_NULL(at);
    if (at) {
        kpu_text_put_bytes(&changed, text.data, (size_t)(at - text.data));
        kpu_text_put(&changed, change->to);
        kpu_text_put(&changed, at + strlen(change->from));
        expect_complaint(changed.data, changed.length, change->complaint);
    } else {
        printf("\n  not found: %s\n", change->from);
    }
    kpu_text_fini(&text);
    kpu_text_fini(&changed);
    free_small(&s);
}

static void test_bad_json_has_a_path(void)
{
    static const text_change changes[] = {
        {"\"dfx_version\": \"1.0\"", "\"dfx_version\": \"2.0\"",
         "dfx_version: version 2.0; this program reads 1.0"},
        {"\"dfx_version\": \"1.0\",", "", "\"dfx_version\" is missing"},
        {"\"kernels\"", "\"operations\"", "\"metadata\" is missing"},
        {"\"kernels\"", "\"kernel\"", "unknown key \"kernel\"; did you mean \"kernels\"?"},
        {"\"role\": \"", "\"role\": \"X", "tensors[0].role: unknown word \"X"},
        {"\"shape\": [", "\"shape\": [-1, ", "tensors[0].shape[0]: expected an integer from 0 to"},
        {"\"dtype\": \"", "\"dtype\": \"q", "tensors[0].dtype: unknown element type \"q"},
        {"\"M\": ", "\"M\": -", "kernels[0].metadata.M: expected an integer from 0 to"},
        {"\"M\": ", "\"M\": 1.5, \"m\": ", "kernels[0].metadata: unknown key \"m\""},
        {"\"Ti\": ", "\"Ti\": 1", "kernels[0].metadata.Ti: 1"},
        {"\"element_type\": \"", "\"element_type\": \"q", "element_type: unknown element type \"q"},
        {"\"tensor\": \"A\"", "\"tensor\": \"nobody\"",
         "kernels[0].operands.A.tensor: there is no tensor \"nobody\""},
        {"\"transposed\": ", "\"transposed\": 1, \"x\": ", "operands.A: unknown key \"x\""},
        {"\"iteration_order\": 0", "\"iteration_order\": 1",
         "kernels[0].loops[0].iteration_order: 1, but all else says 0"},
        {"\"induction_var\": \"mb\"", "\"induction_var\": \"mb45678901234567\"",
         "].induction_var: 16 bytes; at most 15 are allowed"},
        {"\"tensor_name\": \"A\"", "\"tensor_name\": \"B\"",
         "kernels[0].allocations[0].tensor_name: \"B\", but all else says \"A\""},
        {"\"op_id\": 1,", "\"op_id\": \"1\",",
         "kernels[0].operations[0].op_id: expected an integer"},
        {"\"type\": \"DATA_MOVE\"", "\"type\": \"DATA_MOV\"",
         "kernels[0].operations[0].type: unknown word \"DATA_MOV\"; did you mean \"DATA_MOVE\""},
        {"\"tile\": [\"m\"", "\"tile\": [\"n\"",
         "kernels[0].operations[0].source.tile[0]: \"n\", but the tile loop is \"m\""},
        {"\"tile\": [\"m\", ", "\"tile\": [", "source.tile: 1 elements; expected 2"},
        {"\"level\": \"EXTERNAL\"", "\"level\": \"L4\"", "source.level: unknown word \"L4\""},
        {"\"inputs\": [{\"tensor\": \"A\", \"level\": \"L1\"",
         "\"inputs\": [{\"tensor\": \"A\", \"level\": \"L2\"", ".inputs[0]: in L2, but the last"},
        {"\"label\": \"", "\"label\": \"x", ".label: \"x"},
        {"\"reuse_A\": ", "\"reuse_A\": -", "kernels[0].hints.reuse_A: expected a number of at"},
        {"\"machine\": \"", "\"machine\": \"\\u0007", "hints.machine: a control character"},
        {"\"depends_on\": []", "\"depends_on\": [0]",
         "kernels[0].depends_on: 1 elements; at most 0 are allowed"},
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
        expect_json_complaint(&changes[i]);
}

/* What follows from the rest may be left out. */
static void test_json_by_hand(void)
{
    static const char *const derived[] = {", \"iteration_order\": 0", "\"tensor_name\": \"A\", ",
                                          ", \"tile\": [\"m\", \"k\"]"};
    kpu_dfx *dfx = draw(24, 0);
    kpu_text text = {0};
    kpu_object_print(dfx, KPU_OBJECT_JSON, &text);
    for (size_t i = 0; i < sizeof derived / sizeof *derived; i++) {
        char *at = strstr(text.data, derived[i]);
        CU_ASSERT_PTR_NOT_NULL_FATAL(at);
        memset(at, ' ', strlen(derived[i]));
    }
    kpu_dfx *again = parse(text.data, text.length);
    CU_ASSERT(again && kpu_dfx_equal(dfx, again));
    kpu_dfx_free(again);
    kpu_dfx_free(dfx);
    kpu_text_fini(&text);
}

/* ---- Programs that the verifier refuses --------------------------------------------------- */

static void test_read_programs_are_verified(void)
{
    for (int f = 0; f < KPU_OBJECT_FORMATS; f++) {
        kpu_dfx *dfx = draw(24, 0);
        kpu_text text = {0};
        dfx->kernels[0].loops[3].step++;
        kpu_object_print(dfx, (kpu_object_format)f, &text);
        kpu_dfx *again = parse(text.data, text.length);
        CU_ASSERT_PTR_NULL(again);
        kpu_dfx_free(again);
        kpu_dfx_free(dfx);
        kpu_text_fini(&text);
    }
}

/* ---- Files -------------------------------------------------------------------------------- */

static void test_files(void)
{
    char folder[] = "/tmp/kpu-object-XXXXXX", path[64];
    kpu_diag diag = {0};
    kpu_dfx *dfx = draw(24, 0), *again;
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/a.kpu", folder);
    for (int f = 0; f < KPU_OBJECT_FORMATS; f++) { /* the second one replaces the first */
        CU_ASSERT_EQUAL(kpu_object_write(path, dfx, (kpu_object_format)f, &diag), KPU_OK);
        CU_ASSERT_EQUAL_FATAL(kpu_object_read(path, &again, &diag), KPU_OK);
        CU_ASSERT(kpu_dfx_equal(dfx, again));
        kpu_dfx_free(again);
    }
    CU_ASSERT_EQUAL(diag.count, 0);
    CU_ASSERT_EQUAL(truncate(path, KPU_OBJECT_BYTES_MAX + 1), 0); /* sparse */
    CU_ASSERT_EQUAL(kpu_object_read(path, &again, &diag), KPU_E_INPUT);
    CU_ASSERT_STRING_EQUAL(diag.entries[0].message, "too large: more than 256 MiB");
    CU_ASSERT_PTR_NULL(again);
    unlink(path);
    CU_ASSERT_EQUAL(kpu_object_read(path, &again, &diag), KPU_E_INPUT);
    CU_ASSERT_EQUAL(kpu_object_read(folder, &again, &diag), KPU_E_INPUT);
    CU_ASSERT_EQUAL(kpu_object_write(folder, dfx, KPU_OBJECT_JSON, &diag), KPU_E_INPUT);
    CU_ASSERT_EQUAL(diag.count, 4);
    kpu_diag_fini(&diag);
    CU_ASSERT_EQUAL(rmdir(folder), 0); /* no partial file is left */
    kpu_dfx_free(dfx);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"what is printed is parsed", test_what_is_printed_is_parsed},
        {"files of this version", test_files_of_this_version},
        {"DFX text is an object too", test_dfx_text_is_an_object_too},
        {"a cube of 1024 is small", test_a_cube_of_1024_is_small},
        {"every changed bit is seen", test_every_changed_bit_is_seen},
        {"every cut is seen", test_every_cut_is_seen},
        {"no byte goes unread", test_no_byte_goes_unread},
        {"unknown sections", test_unknown_sections},
        {"versions", test_versions},
        {"bad fields have a place", test_bad_fields_have_a_place},
        {"bytes at the end", test_bytes_at_the_end},
        {"what is no object", test_what_is_no_object},
        {"bad JSON has a path", test_bad_json_has_a_path},
        {"JSON by hand", test_json_by_hand},
        {"read programs are verified", test_read_programs_are_verified},
        {"files", test_files},
        CU_TEST_INFO_NULL,
    };
    return run_suite("object", tests);
}
