/* The journal of a run that was killed: its file is read, and gone on with. The input is one of the
 * two records, with a hash that fits; the results file is always the same. */
#include "fuzz/fuzz.h"
#include "fuzz/read_results.h"
#include "fuzz/survival.h"
#include "store/journal.h"

enum { PAGE = 4096, HASH_AT = 8, HASHED_FROM = 48 };
_Static_assert(offsetof(kpu_journal_header, hash) == HASH_AT &&
                   offsetof(kpu_journal_header, generation) == HASHED_FROM,
               "where the hash lies and what it is of");

typedef struct files {
    char final[64], partial[80], journal[KPU_JOURNAL_SLOTS][100];
} files;

static void name_files(files *f)
{
    snprintf(f->final, sizeof f->final, "%s/kpu-fuzz-journal-%ld.h5", scratch_folder(),
             (long)getpid());
    snprintf(f->partial, sizeof f->partial, "%s.partial", f->final);
    for (int slot = 0; slot < KPU_JOURNAL_SLOTS; slot++)
        snprintf(f->journal[slot], sizeof f->journal[slot], "%s.journal-%d", f->partial, slot);
}

/* A page for the writer's name, and the record as a commit writes it. */
static void put_journal(const files *f, const uint8_t *data, size_t size)
{
    uint8_t *bytes = calloc(PAGE + size, 1);
    char hash[33];
    if (!bytes)
        exit(1);
    if (size > 0)
        memcpy(bytes + PAGE, data, size);
    put_file(f->journal[1], bytes, PAGE);
    const kpu_journal_header *header = (const kpu_journal_header *)(bytes + PAGE);
    if (size >= sizeof *header) {
        const size_t each = sizeof(uint64_t) + KPU_BLOCK_BYTES,
                     most = (size - sizeof *header) / each;
        size_t count = header->block_count < most ? header->block_count : most;
        kpu_hash_hex(bytes + PAGE + HASHED_FROM, sizeof *header - HASHED_FROM + count * each, hash);
        memcpy(bytes + PAGE + HASH_AT, hash, sizeof hash);
    }
    put_file(f->journal[0], bytes, PAGE + size);
    free(bytes);
}

static void put_partial(const files *f)
{
    char *bytes;
    size_t size;
    if (kpu_file_read(KPU_SOURCE_DIR "/tests/fuzz/killed.h5.partial", PAGE * PAGE, &bytes, &size,
                      NULL))
        exit(1);
    put_file(f->partial, bytes, size);
    free(bytes);
}

/* The columns of killed.h5.partial. */
static void resume(const char *path)
{
    static const char *const words[] = {"os", "ws", "is"};
    const kpu_column columns[] = {
        {.group = "candidates", .name = "id", .unit = "", .description = "i"},
        {.group = "candidates",
         .name = "dataflow",
         .unit = "",
         .description = "d",
         .type = KPU_COLUMN_ENUM,
         .words = words,
         .word_count = 3},
        {.group = "metrics",
         .name = "cycles",
         .unit = "cycle",
         .description = "c",
         .sense = KPU_SENSE_MIN},
        {.group = "metrics",
         .name = "utilisation",
         .unit = "1",
         .description = "u",
         .sense = KPU_SENSE_MAX,
         .type = KPU_COLUMN_DOUBLE},
    };
    const kpu_metric_value row[4] = {{.i = 1}, {.i = 2}, {.i = 3}, {.d = 4}};
    kpu_store *store = NULL;
    kpu_diag diag = {0};
    int status = kpu_store_resume(path, columns, 4, &store, &diag);
    if ((status == KPU_OK) != (store != NULL))
        fail_check("no store and no failure");
    if (!status)
        status = kpu_store_append(store, row, 1, &diag);
    if (store) {
        int suspended = kpu_store_suspend(store, &diag);
        status = status ? status : suspended;
    }
    check_complaints(status, &diag);
}

static void read_and_resume(const char *path)
{
    char partial[80];
    snprintf(partial, sizeof partial, "%s.partial", path);
    read_everything(partial);
    resume(path);
    read_everything(partial);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    files f;
    name_files(&f);
    put_partial(&f);
    put_journal(&f, data, size);
    bool survived = is_survived(read_and_resume, f.final);
    put_partial(&f);
    put_journal(&f, data, size);
    if (survived)
        read_and_resume(f.final);
    kpu_store_drop_partial(f.final, NULL);
    for (int slot = 0; slot < KPU_JOURNAL_SLOTS; slot++)
        remove(f.journal[slot]);
    remove(f.partial);
    return 0;
}
