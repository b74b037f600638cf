#include "store/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/disk.h"
#include "store/journal.h"

/* ---- Complaints ------------------------------------------------------------------------- */

static const char *hint_for(int error)
{
    switch (error) {
    case ENOSPC:
    case EDQUOT: return "; free some space or write to another folder";
    case EFBIG: return "; a limit on the size of files (ulimit -f) is in force";
    case EIO: return "; the disk or the network may be broken";
    case ELOOP: return "; its unfinished file, or a journal of that, is a symbolic link";
    case ESPIPE: return "; its unfinished file, or a journal of that, is no regular file";
    default: return "";
    }
}

static int complain(const kpu_output_file *output, int code, int error, const char *doing,
                    kpu_diag *diag)
{
    kpu_place place = {.file = output->path};
    return kpu_diag_add_at(diag, code, &place, "%s: %s%s", doing, strerror(error), hint_for(error));
}

int kpu_output_file_complain(const kpu_output_file *output, int error, const char *doing,
                             kpu_diag *diag)
{
    return complain(output, KPU_E_IO, error, doing, diag);
}

int kpu_output_file_complain_write(const kpu_output_file *output, int error, kpu_diag *diag)
{
    char doing[64];
    snprintf(doing, sizeof doing, "cannot write the %s", output->what);
    return complain(output, KPU_E_IO, error, doing, diag);
}

int kpu_output_file_complain_create(const kpu_output_file *output, int error, kpu_diag *diag)
{
    char doing[64];
    int code = KPU_E_INPUT; /* another name would do */
    if (error == ENOMEM)
        code = KPU_E_MEMORY;
    else if (error == EIO || error == ENOSPC || error == EDQUOT || error == EFBIG)
        code = KPU_E_IO;
    snprintf(doing, sizeof doing, "cannot create the %s file", output->what);
    return complain(output, code, error, doing, diag);
}

/* ---- Names ------------------------------------------------------------------------------ */

/* The name must be free, or a regular file that we may replace. */
static int check_target(const char *path, const char *what, bool force, kpu_diag *diag)
{
    kpu_place place = {.file = *path ? path : NULL};
    struct stat st;
    size_t length = strlen(path);
    if (length == 0 || path[length - 1] == '/')
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place, "the %s file needs a name", what);
    if (lstat(path, &st) != 0)
        return KPU_OK;                         /* if the folder is the trouble, creating tells */
    bool leads_nowhere = stat(path, &st) != 0; /* a symbolic link */
    if (!leads_nowhere && S_ISDIR(st.st_mode))
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                               "is a folder; the %s file needs a name in it", what);
    if (!force)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                               "exists already; choose another name or use --force to replace it");
    if (!leads_nowhere && !S_ISREG(st.st_mode))
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                               "is no regular file, so no %s file can replace it", what);
    return KPU_OK;
}

int kpu_output_file_check(const kpu_output_file *output, kpu_diag *diag)
{
    return check_target(output->path, output->what, output->force, diag);
}

int kpu_output_file_init(const char *path, const char *what, bool force, kpu_output_file *out,
                         kpu_diag *diag)
{
    *out = (kpu_output_file){.fd = -1, .what = what, .force = force};
    int code = check_target(path, what, force, diag);
    if (code != KPU_OK)
        return code;
    out->path = strdup(path);
    if (asprintf(&out->partial, "%s.partial", path) < 0)
        out->partial = NULL;
    if (out->path && out->partial)
        return KPU_OK;
    kpu_output_file_release(out);
    return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
}

void kpu_output_file_release(kpu_output_file *output)
{
    if (output->fd >= 0)
        close(output->fd);
    free(output->path);
    free(output->partial);
    *output = (kpu_output_file){.fd = -1};
}

int kpu_output_file_rename(const kpu_output_file *output, kpu_diag *diag)
{
    kpu_place place = {.file = output->path};
    int error = kpu_disk_move(output->partial, output->path, output->force);
    if (error)
        return kpu_diag_add_at(
            diag, KPU_E_IO, &place, "%s; what was written is complete and kept as '%s'",
            error == EEXIST ? "has come into being since the run began" : strerror(error),
            output->partial);
    error = kpu_disk_sync_folder(output->path);
    if (error)
        return kpu_diag_add_at(diag, KPU_E_IO, &place,
                               "is complete, but its name may not survive a power cut: %s",
                               strerror(error));
    return KPU_OK;
}

/* ---- Files of one piece ----------------------------------------------------------------- */

/* The lock is on the file itself; its name may have gone to a finished file while we waited. */
static int open_locked(kpu_output_file *output)
{
    enum { ATTEMPTS = 50 };
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        int error = kpu_disk_open(output->partial, O_RDWR | O_CREAT, &output->fd);
        if (error)
            return error;
        error = kpu_disk_lock(output->fd, LOCK_EX | LOCK_NB);
        if (error && error != ENOTSUP)
            return error;
        if (kpu_disk_is_at(output->fd, output->partial))
            return kpu_disk_truncate(output->fd, 0);
        close(output->fd);
        output->fd = -1;
    }
    return EBUSY;
}

int kpu_output_file_create(const char *path, const char *what, bool force, kpu_output_file *out,
                           kpu_diag *diag)
{
    int code = kpu_output_file_init(path, what, force, out, diag);
    if (code != KPU_OK)
        return code;
    kpu_place place = {.file = path};
    bool is_others = kpu_journal_exists(out->partial);
    int error = is_others ? 0 : open_locked(out);
    if (is_others) {
        code = kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                               "needs the name '%s', which is that of an unfinished results file",
                               out->partial);
    } else if (error == EWOULDBLOCK) {
        code = kpu_diag_add_at(diag, KPU_E_INPUT, &place, "is being written by another process");
    } else if (error) {
        code = kpu_output_file_complain_create(out, error, diag);
    } else {
        code = kpu_output_file_check(out, diag);
        if (code != KPU_OK)
            kpu_disk_remove(out->partial);
    }
    if (code != KPU_OK)
        kpu_output_file_release(out);
    return code;
}

void kpu_output_file_discard(kpu_output_file *output)
{
    if (output->partial)
        kpu_disk_remove(output->partial);
    kpu_output_file_release(output);
}

int kpu_output_file_commit(kpu_output_file *output, int error, kpu_diag *diag)
{
    if (!error)
        error = kpu_disk_sync(output->fd);
    if (error) {
        int code = kpu_output_file_complain_write(output, error, diag);
        kpu_output_file_discard(output);
        return code;
    }
    int code = kpu_output_file_rename(output, diag);
    kpu_output_file_release(output);
    return code;
}
