/* Writing a text file, compressed by gzip if its name says so. */
#include "kpu/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "store/output_file.h"

enum { BUFFER_BYTES = 1 << 17 };

struct kpu_gzip_writer {
    gzFile file;
    kpu_output_file output;
    int error; /* errno of the first failed write, 0: none; nothing is written after it */
};

static bool ends_in_gz(const char *path)
{
    size_t length = strlen(path);
    return length >= 3 && strcmp(path + length - 3, ".gz") == 0;
}

int kpu_gzip_writer_open(const char *path, const char *what, bool force, kpu_gzip_writer **out,
                         kpu_diag *diag)
{
    *out = NULL;
    kpu_gzip_writer *writer = calloc(1, sizeof *writer);
    if (!writer)
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    int code = kpu_output_file_create(path, what, force, &writer->output, diag);
    if (code != KPU_OK) {
        free(writer);
        return code;
    }
    int fd = fcntl(writer->output.fd, F_DUPFD_CLOEXEC, 0);
    writer->file = fd >= 0 ? gzdopen(fd, ends_in_gz(path) ? "wb" : "wbT") : NULL;
    if (!writer->file) {
        if (fd >= 0)
            close(fd);
        kpu_gzip_writer_discard(writer);
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    }
    gzbuffer(writer->file, BUFFER_BYTES);
    *out = writer;
    return KPU_OK;
}

/* Of the first write that failed. */
static void note_error(kpu_gzip_writer *writer)
{
    if (!writer->error)
        writer->error = errno ? errno : EIO;
}

int kpu_gzip_writer_write(kpu_gzip_writer *writer, const char *bytes, size_t size, kpu_diag *diag)
{
    while (size > 0 && !writer->error) {
        unsigned some = size < BUFFER_BYTES ? (unsigned)size : BUFFER_BYTES;
        errno = 0;
        if (gzwrite(writer->file, bytes, some) != (int)some)
            note_error(writer);
        bytes += some;
        size -= some;
    }
    if (!writer->error)
        return KPU_OK;
    return kpu_output_file_complain_write(&writer->output, writer->error, diag);
}

int kpu_gzip_writer_finish(kpu_gzip_writer *writer, kpu_diag *diag)
{
    errno = 0;
    if (gzclose(writer->file) != Z_OK)
        note_error(writer);
    int code = kpu_output_file_commit(&writer->output, writer->error, diag);
    free(writer);
    return code;
}

void kpu_gzip_writer_discard(kpu_gzip_writer *writer)
{
    if (!writer)
        return;
    if (writer->file)
        gzclose(writer->file);
    kpu_output_file_discard(&writer->output);
    free(writer);
}
