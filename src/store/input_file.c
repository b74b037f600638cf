#include "store/input_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "store/disk.h"

/* How long a writer is waited for who is putting blocks into the file: that takes milliseconds. */
static const double patience_s = 1;
enum { ATTEMPTS = 20 };

/* Our lock keeps the writer from changing what he committed, so the latest record tells all that is
 * not in the file; unless the name went to another file before we read it: ESTALE. */
static int open_once(const char *path, kpu_input_file *file, kpu_record *record)
{
    uint64_t size = 0;
    int error = kpu_disk_open(path, O_RDONLY, &file->blocks.fd);
    if (!error)
        error = kpu_disk_lock_patiently(file->blocks.fd, LOCK_SH | LOCK_NB, patience_s);
    if (error == 0 || error == ENOTSUP)
        error = kpu_journal_peek(path, record);
    if (!error && !kpu_disk_is_at(file->blocks.fd, path))
        error = ESTALE;
    if (!error)
        error = kpu_disk_size(file->blocks.fd, &size);
    if (error)
        return error;
    file->state = *kpu_record_header(record);
    file->blocks.length = file->state.length;
    if (size < file->state.length)
        return EBADMSG;
    return kpu_record_load(record, &file->blocks.overlay) ? 0 : ENOMEM;
}

static int open_patiently(const char *path, kpu_input_file *file)
{
    int error = ESTALE;
    for (int attempt = 0; attempt < ATTEMPTS && error == ESTALE; attempt++) {
        kpu_record record = {0};
        if (file->blocks.fd >= 0)
            close(file->blocks.fd);
        error = open_once(path, file, &record);
        kpu_record_fini(&record);
    }
    return error;
}

static int complain(const char *path, int error, kpu_diag *diag)
{
    kpu_place place = {.file = path};
    if (error == ENODATA || error == EWOULDBLOCK)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place, "%s",
                               "is the beginning of a run that has written no results yet");
    if (error == EBADMSG)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place, "%s",
                               "is damaged: it is shorter than its last commit left it");
    if (error == EUCLEAN)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place, "%s",
                               "cannot be read: its journal is damaged");
    if (error == ENOTUNIQ)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place, "%s",
                               "cannot be read: a part of its journal is missing");
    if (error == ENOMEM)
        return kpu_diag_add_at(diag, KPU_E_MEMORY, &place, "out of memory");
    return kpu_diag_add_at(diag, KPU_E_INPUT, &place, "cannot open the results file: %s",
                           strerror(error));
}

static int open_beside_journal(const char *path, kpu_input_file **out, kpu_diag *diag)
{
    if (!kpu_journal_exists(path))
        return KPU_OK;
    kpu_input_file *file = calloc(1, sizeof *file);
    if (!file)
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    file->blocks.fd = -1;
    int error = open_patiently(path, file);
    if (!error) {
        *out = file;
        return KPU_OK;
    }
    kpu_input_file_close(file);
    return error == ENOENT && access(path, F_OK) == 0 ? KPU_OK : complain(path, error, diag);
}

int kpu_input_file_open(const char *path, kpu_input_file **out, kpu_diag *diag)
{
    *out = NULL;
    /* The journals are beside the file, not beside a link to it. */
    char *real = realpath(path, NULL);
    int code = open_beside_journal(real ? real : path, out, diag);
    free(real);
    return code;
}

void kpu_input_file_close(kpu_input_file *file)
{
    if (!file)
        return;
    if (file->blocks.fd >= 0)
        close(file->blocks.fd);
    kpu_overlay_fini(&file->blocks.overlay);
    free(file);
}
