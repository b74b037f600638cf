/* Certificates of a small space. The line of the checksum is made to fit, so that changes reach
 * what is behind it. */
#include "fuzz/check.h"
#include "fuzz/fuzz.h"
#include "kpu/explorer.h"

typedef struct text_source {
    const char *text;
    size_t left;
} text_source;

static int take(void *context, char *bytes, size_t size, size_t *got, kpu_diag *diag)
{
    text_source *source = context;
    (void)diag;
    *got = size < source->left ? size : source->left;
    memcpy(bytes, source->text, *got);
    source->text += *got;
    source->left -= *got;
    return KPU_OK;
}

static kpu_space *make_space(void)
{
    static const char sweep[] =
        "[sweep]\nname = small\nmachines = default\nobjectives = cycles, footprint_bytes\n"
        "[workload]\ngemms = one:64x96x48\n"
        "[space]\nTM = 16, 32\nTN = 16, 24\nTK = 8, 24\ndataflow = os, ws\n";
    kpu_space_file file = {"configs/default.ini", NULL};
    kpu_ini ini = {0};
    kpu_space *space = NULL;
    char *machine;
    size_t bytes;
    if (kpu_text_read(KPU_SOURCE_DIR "/configs/default.ini", &machine, &bytes, NULL))
        exit(1);
    file.text = machine;
    if (kpu_ini_parse("small.ini", sweep, strlen(sweep), KPU_FILE_SWEEP, &ini, NULL) ||
        kpu_space_make_kept(&ini, &file, 1, &space, NULL))
        exit(1);
    kpu_ini_fini(&ini);
    free(machine);
    return space;
}

static void certify(const kpu_space *space, const char *text, size_t size)
{
    text_source context = {text, size};
    const kpu_certify_source source = {.name = "fuzz.cert", .read = take, .context = &context};
    const kpu_certify_options options = {.threads = 1};
    kpu_certify_facts facts = {0};
    kpu_diag diag = {0};
    int status = kpu_certify(space, &source, &options, &facts, &diag);
    if (status != KPU_OK && status != KPU_E_REFUTED)
        fail_check("neither held nor refuted");
    check_complaints(status, &diag);
    kpu_certify_facts_fini(&facts);
}

/* All lines but the last one, and a last one that fits them. malloc'ed. */
static char *sign(const char *text, size_t size, size_t *out)
{
    const char *last = size > 1 ? memrchr(text, '\n', size - 1) : NULL;
    size_t before = last ? (size_t)(last + 1 - text) : 0, lines = 0;
    char hash[33], *copy = malloc(before + 64);
    if (!copy)
        exit(1);
    memcpy(copy, text, before);
    kpu_hash_hex(text, before, hash);
    for (size_t i = 0; i < before; i++)
        lines += text[i] == '\n';
    *out = before + (size_t)snprintf(copy + before, 64, "end %zu %s\n", lines, hash);
    return copy;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = copy_text(data, size);
    kpu_space *space = make_space();
    size_t signed_size;
    char *signed_text = sign(text, size, &signed_size);
    certify(space, text, size);
    certify(space, signed_text, signed_size);
    kpu_space_free(space);
    free(signed_text);
    free(text);
    return 0;
}
