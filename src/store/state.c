/* What stands at a path, seen from outside. */
#include <fcntl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/disk.h"
#include "store/durable_file.h"

void kpu_store_probe(const char *path, kpu_store_state *out)
{
    char *partial = NULL;
    kpu_record record = {0};
    *out = (kpu_store_state){.is_finished = access(path, F_OK) == 0};
    if (asprintf(&partial, "%s.partial", path) < 0)
        return;
    out->is_written = kpu_journal_is_locked(partial, out->writer);
    int error = access(partial, F_OK) == 0 ? kpu_journal_peek(partial, &record) : ENODATA;
    out->is_partial = error == 0;
    out->is_damaged = error != 0 && error != ENODATA;
    if (out->is_partial)
        out->rows = kpu_record_header(&record)->rows;
    kpu_record_fini(&record);
    free(partial);
}

bool kpu_store_probe_number(const char *path, const char *name, int64_t *out)
{
    char *partial = NULL;
    kpu_record record = {0};
    if (asprintf(&partial, "%s.partial", path) < 0)
        return false;
    bool known = access(partial, F_OK) == 0 && kpu_journal_peek(partial, &record) == 0 &&
                 kpu_journal_number_find(kpu_record_header(&record)->numbers, name, out);
    kpu_record_fini(&record);
    free(partial);
    return known;
}

int kpu_store_drop_partial(const char *path, kpu_diag *diag)
{
    kpu_durable_file file;
    int code = kpu_durable_file_take(path, &file, diag);
    if (code != KPU_OK)
        return code;
    int error = kpu_durable_file_sweep(&file);
    if (error)
        code = kpu_output_file_complain(&file.output, error, "cannot remove the unfinished file",
                                        diag);
    else
        kpu_journal_remove(&file.journal);
    kpu_durable_file_close(&file);
    return code;
}

/* The name of before, where a file gets its name by a second link to it. */
static bool is_other_name(const char *path, const char *partial)
{
    struct stat finished, unfinished;
    return stat(path, &finished) == 0 && stat(partial, &unfinished) == 0 &&
           finished.st_dev == unfinished.st_dev && finished.st_ino == unfinished.st_ino;
}

void kpu_store_sweep(const char *path)
{
    kpu_durable_file file;
    if (kpu_durable_file_take(path, &file, NULL) != KPU_OK)
        return;
    const char *partial = file.output.partial;
    if (is_other_name(path, partial))
        (void)kpu_disk_remove(partial);
    if (access(partial, F_OK) != 0)
        kpu_journal_remove(&file.journal);
    else
        kpu_journal_undo(&file.journal);
    kpu_durable_file_close(&file);
}
