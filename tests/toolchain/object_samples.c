/* object_samples FOLDER COUNT: objects of random programs for other readers, in both forms, whole
 * and with a byte changed. Beside each that we accept, NAME.json: the JSON form of what we read. */
#include "kpu/kpu_object.h"

#include "object_bytes.h"
#include "random_case.h"
#include "random_program.h"

#include <stdio.h>
#include <stdlib.h>

enum { CHANGES = 40 };

typedef struct sample {
    const char *folder;
    uint64_t program;
    kpu_object_format format;
    int change; /* 0: whole */
} sample;

static bool write_file(const sample *s, const char *ending, const kpu_text *text)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%llu-%s-%d.%s", s->folder, (unsigned long long)s->program,
             kpu_object_format_names[s->format], s->change, ending);
    return kpu_file_write(path, text->data, text->length, NULL) == KPU_OK;
}

static bool write_sample(const sample *s, const kpu_text *object)
{
    kpu_dfx *dfx;
    kpu_text json = {0};
    bool ok = write_file(s, "kpu", object);
    if (kpu_object_parse("sample", object->data, object->length, &dfx, NULL) != KPU_OK)
        return ok && s->change > 0;
    kpu_object_print(dfx, KPU_OBJECT_JSON, &json);
    ok = ok && write_file(s, "json", &json);
    kpu_text_fini(&json);
    kpu_dfx_free(dfx);
    return ok;
}

/* Binary: any bit, with checksums that fit. JSON: another digit or letter. */
static bool write_changed(sample *s, kpu_text *object)
{
    random_stream random = {.seed = 31, .stream = s->program};
    for (s->change = 1; s->change <= CHANGES; s->change++) {
        unsigned char *data = (unsigned char *)object->data;
        size_t at = (size_t)random_between(&random, 0, (int64_t)object->length - 1);
        unsigned char before = data[at];
        if (s->format == KPU_OBJECT_BINARY)
            data[at] ^= (unsigned char)(1 << random_between(&random, 0, 7));
        else
            data[at] =
                (unsigned char)"0123456789abcdefMNK -{}[]\","[random_between(&random, 0, 26)];
        if (s->format == KPU_OBJECT_BINARY)
            object_seal(data, object->length);
        if (!write_sample(s, object))
            return false;
        data[at] = before;
    }
    return true;
}

int main(int argc, char **argv)
{
    bool ok = argc == 3;
    for (uint64_t n = 0; ok && n < strtoull(argv[2], NULL, 10); n++) {
        random_program p;
        random_program_draw(32, n, &p);
        kpu_dfx *dfx = random_program_build(&p);
        for (int f = 0; ok && dfx && f < KPU_OBJECT_FORMATS; f++) {
            sample s = {.folder = argv[1], .program = n, .format = (kpu_object_format)f};
            kpu_text object = {0};
            kpu_object_print(dfx, s.format, &object);
            ok = write_sample(&s, &object) && write_changed(&s, &object);
            kpu_text_fini(&object);
        }
        ok = ok && dfx;
        kpu_dfx_free(dfx);
    }
    return !ok;
}
