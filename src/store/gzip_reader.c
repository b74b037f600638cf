/* Reading a file that may be compressed by gzip. */
#include "kpu/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

struct kpu_gzip_reader {
    gzFile file;
    char *path;
};

enum { BUFFER_BYTES = 1 << 17 };

static int complain_open(const char *path, const char *why, kpu_diag *diag)
{
    const kpu_place place = {.file = path};
    return kpu_diag_add_at(diag, KPU_E_INPUT, &place, "cannot be opened: %s", why);
}

int kpu_gzip_reader_open(const char *path, kpu_gzip_reader **out, kpu_diag *diag)
{
    struct stat status;
    *out = NULL;
    if (stat(path, &status) != 0)
        return complain_open(path, strerror(errno), diag);
    if (S_ISDIR(status.st_mode))
        return complain_open(path, "it is a directory", diag);
    kpu_gzip_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    reader->path = strdup(path);
    errno = 0;
    reader->file = reader->path ? gzopen(path, "rb") : NULL;
    if (!reader->file) {
        int error = errno;
        kpu_gzip_reader_close(reader);
        return error ? complain_open(path, strerror(error), diag)
                     : kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    }
    gzbuffer(reader->file, BUFFER_BYTES);
    *out = reader;
    return KPU_OK;
}

int kpu_gzip_reader_read(kpu_gzip_reader *reader, char *bytes, size_t size, size_t *got,
                         kpu_diag *diag)
{
    const kpu_place place = {.file = reader->path};
    *got = 0;
    while (*got < size) {
        unsigned most = size - *got < BUFFER_BYTES ? (unsigned)(size - *got) : BUFFER_BYTES;
        int n = gzread(reader->file, bytes + *got, most);
        if (n > 0)
            *got += (size_t)n;
        if (n <= 0 || (unsigned)n < most)
            break;
    }
    int error;
    const char *message = gzerror(reader->file, &error);
    if (error == Z_BUF_ERROR)
        return kpu_diag_add_at(diag, KPU_E_IO, &place, "the compressed file is cut short");
    if (error == Z_ERRNO)
        return kpu_diag_add_at(diag, KPU_E_IO, &place, "cannot be read: %s", strerror(errno));
    if (error != Z_OK && error != Z_STREAM_END) {
        const char *what = strstr(message, ": "); /* after the name of the file */
        return kpu_diag_add_at(diag, KPU_E_IO, &place, "the compressed file is damaged: %s",
                               what ? what + 2 : message);
    }
    return KPU_OK;
}

void kpu_gzip_reader_close(kpu_gzip_reader *reader)
{
    if (!reader)
        return;
    if (reader->file)
        gzclose_r(reader->file);
    free(reader->path);
    free(reader);
}
