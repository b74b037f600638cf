#include "store/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

double kpu_disk_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int kpu_disk_open(const char *path, int flags, int *fd)
{
    flags |= O_CLOEXEC | O_NONBLOCK | (flags & (O_RDWR | O_CREAT) ? O_NOFOLLOW : 0);
    struct stat st;
    do
        *fd = open(path, flags, 0666);
    while (*fd < 0 && errno == EINTR);
    if (*fd < 0)
        return errno;
    if (flags & O_DIRECTORY || fstat(*fd, &st) != 0 || S_ISREG(st.st_mode))
        return 0;
    close(*fd);
    *fd = -1;
    return S_ISDIR(st.st_mode) ? EISDIR : ESPIPE;
}

int kpu_disk_read(int fd, uint64_t offset, void *out, size_t size)
{
    char *to = out;
    while (size > 0) {
        ssize_t n = pread(fd, to, size, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        if (n == 0) {
            memset(to, 0, size);
            return 0;
        }
        to += n;
        offset += (uint64_t)n;
        size -= (size_t)n;
    }
    return 0;
}

int kpu_disk_write(int fd, uint64_t offset, const void *data, size_t size)
{
    const char *from = data;
    while (size > 0) {
        ssize_t n = pwrite(fd, from, size, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? errno : ENOSPC;
        from += n;
        offset += (uint64_t)n;
        size -= (size_t)n;
    }
    return 0;
}

int kpu_disk_truncate(int fd, uint64_t size)
{
    int status;
    do
        status = ftruncate(fd, (off_t)size);
    while (status != 0 && errno == EINTR);
    return status != 0 ? errno : 0;
}

int kpu_disk_size(int fd, uint64_t *size)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return errno;
    *size = (uint64_t)st.st_size;
    return 0;
}

int kpu_disk_sync(int fd)
{
    int status;
    do
        status = fdatasync(fd);
    while (status != 0 && errno == EINTR);
    return status != 0 && errno != EINVAL ? errno : 0; /* EINVAL: there is nothing to sync to */
}

int kpu_disk_sync_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    int fd, status;
    if (!folder)
        return ENOMEM;
    int error = kpu_disk_open(folder, O_RDONLY | O_DIRECTORY, &fd);
    free(folder);
    if (error)
        return error == EACCES ? 0 : error; /* a folder may be written without being read */
    do
        status = fsync(fd);
    while (status != 0 && errno == EINTR);
    error = status != 0 ? errno : 0;
    close(fd);
    /* Not every file system can do that, or needs it. */
    return error == EINVAL || error == ENOTSUP || error == EBADF ? 0 : error;
}

int kpu_disk_lock(int fd, int operation)
{
    int status;
    do
        status = flock(fd, operation);
    while (status != 0 && errno == EINTR);
    if (status == 0)
        return 0;
    if (errno == ENOLCK || errno == ENOSYS || errno == EOPNOTSUPP || errno == EINVAL)
        return ENOTSUP;
    return errno == EAGAIN || errno == EACCES ? EWOULDBLOCK : errno;
}

int kpu_disk_lock_patiently(int fd, int operation, double seconds)
{
    const struct timespec pause = {.tv_nsec = 10000000};
    double end = kpu_disk_seconds() + seconds;
    int error = kpu_disk_lock(fd, operation);
    while (error == EWOULDBLOCK && kpu_disk_seconds() < end) {
        nanosleep(&pause, NULL);
        error = kpu_disk_lock(fd, operation);
    }
    return error;
}

bool kpu_disk_is_at(int fd, const char *path)
{
    struct stat opened, named;
    return fstat(fd, &opened) == 0 && stat(path, &named) == 0 && opened.st_dev == named.st_dev &&
           opened.st_ino == named.st_ino;
}

int kpu_disk_move(const char *from, const char *to, bool replace)
{
    if (replace)
        return rename(from, to) == 0 ? 0 : errno;
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return errno;
    /* A file system without RENAME_NOREPLACE: link() does not replace either. */
    if (link(from, to) == 0) {
        unlink(from);
        return 0;
    }
    if (errno != EPERM && errno != ENOTSUP && errno != ENOSYS)
        return errno;
    /* Nor links (FAT, some of FUSE): two runs cannot be here, as each holds the lock of its output.
     */
    if (access(to, F_OK) == 0)
        return EEXIST;
    return rename(from, to) == 0 ? 0 : errno;
}

int kpu_disk_remove(const char *path)
{
    return unlink(path) == 0 || errno == ENOENT ? 0 : errno;
}

static int copy_by_hand(int from, int to, uint64_t offset, uint64_t end)
{
    enum { PIECE = 1 << 20 };
    char *piece = malloc(PIECE);
    int error = piece ? 0 : ENOMEM;
    while (!error && offset < end) {
        size_t some = end - offset < PIECE ? (size_t)(end - offset) : PIECE;
        error = kpu_disk_read(from, offset, piece, some);
        if (!error)
            error = kpu_disk_write(to, offset, piece, some);
        offset += some;
    }
    free(piece);
    return error;
}

int kpu_disk_copy(int from, int to)
{
    uint64_t size;
    int error = kpu_disk_size(from, &size);
    off_t in = 0, out = 0;
    while (!error && (uint64_t)in < size) {
        ssize_t n = copy_file_range(from, &in, to, &out, (size_t)(size - (uint64_t)in), 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) /* not between, or not on, these file systems; or the end came early */
            return copy_by_hand(from, to, (uint64_t)in, size);
    }
    return error;
}
