#include "tools/file_sink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_EXTRA = 32 };

static int complain(const char *path, int error, kpu_diag *diag)
{
    const kpu_place place = {.file = *path ? path : NULL};
    bool wrong =
        error == ENOENT || error == ENOTDIR || error == EACCES || error == EROFS || error == EISDIR;
    return kpu_diag_add_at(diag, wrong ? KPU_E_INPUT : KPU_E_IO, &place, "cannot be written: %s",
                           strerror(error));
}

int kpu_file_sink_open(const char *path, kpu_file_sink *out, kpu_diag *diag)
{
    struct stat status;
    bool exists = stat(path, &status) == 0;
    *out = (kpu_file_sink){.path = path};
    if (exists && S_ISDIR(status.st_mode))
        return complain(path, EISDIR, diag);
    if (!exists || S_ISREG(status.st_mode)) {
        size_t size = strlen(path) + NAME_EXTRA;
        out->partial = malloc(size);
        if (!out->partial)
            return KPU_E_MEMORY;
        snprintf(out->partial, size, "%s.partial-%ld", path, (long)getpid());
    }
    out->file = fopen(out->partial ? out->partial : path, out->partial ? "wx" : "w");
    if (out->file)
        return KPU_OK;
    int error = errno;
    free(out->partial);
    out->partial = NULL;
    return complain(path, error, diag);
}

static int take_for_file(void *context, const char *text, size_t bytes)
{
    kpu_file_sink *file = context;
    errno = 0;
    if (fwrite(text, 1, bytes, file->file) == bytes)
        return KPU_OK;
    file->error = errno ? errno : EIO;
    return KPU_E_IO;
}

kpu_sink kpu_file_sink_of(kpu_file_sink *file)
{
    return (kpu_sink){take_for_file, file};
}

int kpu_file_sink_close(kpu_file_sink *file, int status, kpu_diag *diag)
{
    int error = file->error;
    errno = 0;
    if (fclose(file->file) != 0 && !error)
        error = errno ? errno : EIO;
    if (!status && !error && file->partial && rename(file->partial, file->path) != 0)
        error = errno;
    if (file->partial && (status || error))
        unlink(file->partial);
    free(file->partial);
    file->partial = NULL;
    if (error && (!status || status == KPU_E_IO))
        return complain(file->path, error, diag);
    return status;
}

static int take_for_stdout(void *context, const char *text, size_t bytes)
{
    return fwrite(text, 1, bytes, context) == bytes ? KPU_OK : KPU_E_IO;
}

kpu_sink kpu_stdout_sink(void)
{
    return (kpu_sink){take_for_stdout, stdout};
}
