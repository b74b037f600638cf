#include "kpu/base.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PARTIAL_NAMES = 100 };

static int too_large(const kpu_place *place, int64_t max_bytes, kpu_diag *diag)
{
    return kpu_diag_add_at(diag, KPU_E_INPUT, place, "too large: more than %lld MiB",
                           (long long)(max_bytes >> 20));
}

typedef struct contents {
    char *data;
    size_t used;
} contents;

/* Reads to the end, whatever the size claims: it may be a pipe. errno, or 0. */
static int read_stream(FILE *in, size_t max_bytes, contents *out)
{
    size_t capacity = 4096;
    out->data = malloc(capacity + 1);
    while (out->data) {
        out->used += fread(out->data + out->used, 1, capacity - out->used, in);
        if (out->used < capacity || out->used > max_bytes)
            return ferror(in) ? errno : 0;
        capacity *= 2;
        char *grown = realloc(out->data, capacity + 1);
        if (!grown)
            free(out->data);
        out->data = grown;
    }
    return ENOMEM;
}

static int read_file(FILE *in, const kpu_place *place, int64_t max_bytes, contents *out,
                     kpu_diag *diag)
{
    struct stat status;
    if (fstat(fileno(in), &status) != 0)
        return kpu_diag_add_at(diag, KPU_E_INPUT, place, "cannot be read: %s", strerror(errno));
    if (S_ISDIR(status.st_mode))
        return kpu_diag_add_at(diag, KPU_E_INPUT, place, "is a directory, a file was expected");
    if (S_ISREG(status.st_mode) && status.st_size > max_bytes)
        return too_large(place, max_bytes, diag);
    int error = read_stream(in, (size_t)max_bytes, out);
    if (error == ENOMEM)
        return kpu_diag_add_at(diag, KPU_E_MEMORY, place, "out of memory");
    if (error)
        return kpu_diag_add_at(diag, KPU_E_INPUT, place, "cannot be read: %s", strerror(error));
    if (out->used > (size_t)max_bytes)
        return too_large(place, max_bytes, diag);
    return KPU_OK;
}

int kpu_file_read(const char *path, int64_t max_bytes, char **out, size_t *bytes, kpu_diag *diag)
{
    const kpu_place place = {.file = path};
    FILE *in = fopen(path, "rb");
    if (!in)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place, "cannot be opened: %s", strerror(errno));
    contents got = {0};
    int status = read_file(in, &place, max_bytes, &got, diag);
    fclose(in);
    if (status) {
        free(got.data);
        return status;
    }
    got.data[got.used] = '\0';
    *out = got.data;
    *bytes = got.used;
    return KPU_OK;
}

static int write_all(int fd, const char *data, size_t bytes)
{
    while (bytes > 0) {
        ssize_t written = write(fd, data, bytes);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return errno;
        data += written;
        bytes -= (size_t)written;
    }
    return 0;
}

static int write_in_place(const char *path, const void *data, size_t bytes)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    int error = write_all(fd, data, bytes);
    if (close(fd) != 0 && !error)
        error = errno;
    return error;
}

/* Somebody else's partial file may stand there: it is kept. */
static int create_partial(const char *path, char **name, int *fd)
{
    for (int attempt = 0; attempt < PARTIAL_NAMES; attempt++) {
        free(*name);
        if (asprintf(name, "%s.partial-%ld-%d", path, (long)getpid(), attempt) < 0) {
            *name = NULL;
            return ENOMEM;
        }
        *fd = open(*name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (*fd >= 0)
            return 0;
        if (errno != EEXIST)
            return errno;
    }
    return EEXIST;
}

static int write_beside(const char *path, const void *data, size_t bytes)
{
    char *name = NULL;
    int fd = -1, error = create_partial(path, &name, &fd);
    if (!error) {
        error = write_all(fd, data, bytes);
        if (close(fd) != 0 && !error)
            error = errno;
        if (!error && rename(name, path) != 0)
            error = errno;
        if (error)
            unlink(name);
    }
    free(name);
    return error;
}

int kpu_file_write(const char *path, const void *data, size_t bytes, kpu_diag *diag)
{
    const kpu_place place = {.file = *path ? path : NULL};
    struct stat status;
    size_t length = strlen(path);
    bool exists = stat(path, &status) == 0;
    if (length == 0 || path[length - 1] == '/')
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place, "the output file needs a name");
    if (exists && S_ISDIR(status.st_mode))
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                               "is a directory; the output file needs a name in it");
    bool in_place = exists && !S_ISREG(status.st_mode);
    int error = in_place ? write_in_place(path, data, bytes) : write_beside(path, data, bytes);
    if (!error)
        return KPU_OK;
    /* a place where nothing can be made is a wrong argument */
    bool wrong = error == ENOENT || error == ENOTDIR || error == EACCES || error == EROFS;
    return kpu_diag_add_at(diag, wrong ? KPU_E_INPUT : KPU_E_IO, &place, "cannot be written: %s",
                           strerror(error));
}
