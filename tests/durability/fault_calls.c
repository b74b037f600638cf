/* The calls that are watched: see fault.h. They go to the kernel directly, so it does not matter
 * what else stands between. */
#include "fault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* ---- Opening ------------------------------------------------------------------------------- */

static int open_at(int at, const char *path, int flags, mode_t mode)
{
    char absolute[FAULT_PATH];
    if (!fault_matches(at, path, absolute)) {
        int fd = (int)syscall(SYS_openat, at, path, flags, mode);
        fault_forget(fd);
        return fd;
    }
    struct stat file;
    bool is_there = syscall(SYS_newfstatat, at, path, &file, 0) == 0;
    bool reads = (flags & O_ACCMODE) == O_RDONLY;
    fault_call call = {.op = !is_there && (flags & O_CREAT) ? FAULT_CREATE
                             : reads                        ? FAULT_OPEN
                                                            : FAULT_MODIFY,
                       .fd = -1,
                       .path = absolute,
                       .offset = flags & O_TRUNC ? 0 : -1};
    if (!fault_begin(&call))
        return -1;
    return (int)fault_end(&call, syscall(SYS_openat, at, path, flags, mode));
}

static mode_t mode_of(int flags, va_list list)
{
    return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(list, mode_t) : 0;
}

#define OPENS(name)                                                                                \
    int name(const char *path, int flags, ...)                                                     \
    {                                                                                              \
        va_list list;                                                                              \
        va_start(list, flags);                                                                     \
        mode_t mode = mode_of(flags, list);                                                        \
        va_end(list);                                                                              \
        return open_at(AT_FDCWD, path, flags, mode);                                               \
    }
OPENS(open)
OPENS(open64)

#define OPENS_AT(name)                                                                             \
    int name(int at, const char *path, int flags, ...)                                             \
    {                                                                                              \
        va_list list;                                                                              \
        va_start(list, flags);                                                                     \
        mode_t mode = mode_of(flags, list);                                                        \
        va_end(list);                                                                              \
        return open_at(at, path, flags, mode);                                                     \
    }
OPENS_AT(openat)
OPENS_AT(openat64)

int creat(const char *path, mode_t mode)
{
    return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

int creat64(const char *path, mode_t mode)
{
    return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

/* As on Linux, the descriptor is gone even if close() fails. */
int close(int fd)
{
    if (!fault_knows(fd))
        return (int)syscall(SYS_close, fd);
    fault_call call = {.op = FAULT_CLOSE, .fd = fd};
    if (fault_begin(&call))
        return (int)fault_end(&call, syscall(SYS_close, fd));
    int error = errno;
    fault_forget(fd);
    syscall(SYS_close, fd);
    errno = error;
    return -1;
}

/* Another descriptor of the same file. */
static int control(int fd, int command, void *argument)
{
    int result = (int)syscall(SYS_fcntl, fd, command, argument);
    if (result >= 0 && (command == F_DUPFD || command == F_DUPFD_CLOEXEC))
        fault_share(fd, result);
    return result;
}

#define CONTROLS(name)                                                                             \
    int name(int fd, int command, ...)                                                             \
    {                                                                                              \
        va_list list;                                                                              \
        va_start(list, command);                                                                   \
        void *argument = va_arg(list, void *);                                                     \
        va_end(list);                                                                              \
        return control(fd, command, argument);                                                     \
    }
CONTROLS(fcntl)
CONTROLS(fcntl64)

/* ---- Reading and writing ------------------------------------------------------------------- */

static off_t position(int fd)
{
    return (off_t)syscall(SYS_lseek, fd, 0, SEEK_CUR);
}

ssize_t read(int fd, void *data, size_t size)
{
    if (!fault_knows(fd))
        return syscall(SYS_read, fd, data, size);
    fault_call call = {.op = FAULT_READ, .fd = fd, .offset = position(fd), .size = size};
    return fault_begin(&call) ? fault_end(&call, syscall(SYS_read, fd, data, call.size)) : -1;
}

static ssize_t read_at(int fd, void *data, size_t size, off_t offset)
{
    if (!fault_knows(fd))
        return syscall(SYS_pread64, fd, data, size, offset);
    fault_call call = {.op = FAULT_READ, .fd = fd, .offset = offset, .size = size};
    return fault_begin(&call) ? fault_end(&call, syscall(SYS_pread64, fd, data, call.size, offset))
                              : -1;
}

static ssize_t write_at(int fd, const void *data, size_t size, off_t offset)
{
    if (!fault_knows(fd))
        return syscall(SYS_pwrite64, fd, data, size, offset);
    fault_call call = {.op = FAULT_WRITE, .fd = fd, .offset = offset, .size = size, .data = data};
    return fault_begin(&call) ? fault_end(&call, syscall(SYS_pwrite64, fd, data, call.size, offset))
                              : -1;
}

ssize_t pread(int fd, void *data, size_t size, off_t offset)
{
    return read_at(fd, data, size, offset);
}

ssize_t pread64(int fd, void *data, size_t size, off64_t offset)
{
    return read_at(fd, data, size, offset);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    return write_at(fd, data, size, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset)
{
    return write_at(fd, data, size, offset);
}

ssize_t write(int fd, const void *data, size_t size)
{
    if (!fault_knows(fd))
        return syscall(SYS_write, fd, data, size);
    fault_call call = {
        .op = FAULT_WRITE, .fd = fd, .offset = position(fd), .size = size, .data = data};
    return fault_begin(&call) ? fault_end(&call, syscall(SYS_write, fd, data, call.size)) : -1;
}

/* One piece of memory, so that half of it is easily said. */
static ssize_t write_pieces(int fd, const struct iovec *pieces, int count, off_t offset)
{
    size_t size = 0;
    for (int i = 0; i < count; i++)
        size += pieces[i].iov_len;
    char *joined = malloc(size + 1), *to = joined;
    if (!joined) {
        errno = ENOMEM;
        return -1;
    }
    for (int i = 0; i < count; i++) {
        memcpy(to, pieces[i].iov_base, pieces[i].iov_len);
        to += pieces[i].iov_len;
    }
    ssize_t done = offset < 0 ? write(fd, joined, size) : write_at(fd, joined, size, offset);
    int error = errno;
    free(joined);
    errno = error;
    return done;
}

ssize_t writev(int fd, const struct iovec *pieces, int count)
{
    return fault_knows(fd) ? write_pieces(fd, pieces, count, -1)
                           : syscall(SYS_writev, fd, pieces, count);
}

ssize_t pwritev(int fd, const struct iovec *pieces, int count, off_t offset)
{
    return write_pieces(fd, pieces, count, offset);
}

ssize_t pwritev64(int fd, const struct iovec *pieces, int count, off64_t offset)
{
    return write_pieces(fd, pieces, count, offset);
}

/* As a file system that cannot: whoever calls has to copy by reading and writing. */
ssize_t copy_file_range(int in, off64_t *in_at, int out, off64_t *out_at, size_t size,
                        unsigned flags)
{
    if (!fault_knows(out))
        return syscall(SYS_copy_file_range, in, in_at, out, out_at, size, flags);
    errno = EOPNOTSUPP;
    return -1;
}

/* ---- Length and flushing --------------------------------------------------------------------- */

static int truncate_to(int fd, off_t length)
{
    if (!fault_knows(fd))
        return (int)syscall(SYS_ftruncate, fd, length);
    fault_call call = {.op = FAULT_TRUNCATE, .fd = fd, .offset = length};
    return fault_begin(&call) ? (int)fault_end(&call, syscall(SYS_ftruncate, fd, length)) : -1;
}

int ftruncate(int fd, off_t length)
{
    return truncate_to(fd, length);
}

int ftruncate64(int fd, off64_t length)
{
    return truncate_to(fd, length);
}

static int allocate(int fd, int mode, off_t offset, off_t length)
{
    if (!fault_knows(fd))
        return (int)syscall(SYS_fallocate, fd, mode, offset, length);
    fault_call call = {.op = FAULT_ALLOCATE,
                       .fd = fd,
                       .offset = mode & FALLOC_FL_KEEP_SIZE ? -1 : offset + length};
    return fault_begin(&call)
               ? (int)fault_end(&call, syscall(SYS_fallocate, fd, mode, offset, length))
               : -1;
}

int fallocate(int fd, int mode, off_t offset, off_t length)
{
    return allocate(fd, mode, offset, length);
}

int fallocate64(int fd, int mode, off64_t offset, off64_t length)
{
    return allocate(fd, mode, offset, length);
}

int posix_fallocate(int fd, off_t offset, off_t length)
{
    return allocate(fd, 0, offset, length) == 0 ? 0 : errno;
}

int posix_fallocate64(int fd, off64_t offset, off64_t length)
{
    return allocate(fd, 0, offset, length) == 0 ? 0 : errno;
}

static int flush(int fd, long call_number)
{
    if (!fault_knows(fd))
        return (int)syscall(call_number, fd);
    fault_call call = {.op = FAULT_SYNC, .fd = fd};
    return fault_begin(&call) ? (int)fault_end(&call, syscall(call_number, fd)) : -1;
}

int fsync(int fd)
{
    return flush(fd, SYS_fsync);
}

int fdatasync(int fd)
{
    return flush(fd, SYS_fdatasync);
}

int sync_file_range(int fd, off64_t offset, off64_t size, unsigned flags)
{
    fault_call call = {.op = FAULT_SYNC_RANGE, .fd = fd, .offset = offset};
    if (fault_knows(fd) && !fault_begin(&call))
        return -1;
    int result = (int)syscall(SYS_sync_file_range, fd, offset, size, flags);
    return call.number ? (int)fault_end(&call, result) : result;
}

int flock(int fd, int how)
{
    if (!fault_knows(fd))
        return (int)syscall(SYS_flock, fd, how);
    fault_call call = {.op = FAULT_FLOCK, .fd = fd, .offset = how};
    return fault_begin(&call) ? (int)fault_end(&call, syscall(SYS_flock, fd, how)) : -1;
}

/* ---- Names ----------------------------------------------------------------------------------- */

static int rename_at(int at, const char *from, int to_at, const char *to, unsigned flags)
{
    char path[FAULT_PATH], path2[FAULT_PATH];
    bool matches = fault_matches(at, from, path);
    if (!fault_matches(to_at, to, path2) && !matches)
        return (int)syscall(SYS_renameat2, at, from, to_at, to, flags);
    fault_call call = {.op = FAULT_RENAME, .fd = -1, .path = path, .path2 = path2};
    return fault_begin(&call)
               ? (int)fault_end(&call, syscall(SYS_renameat2, at, from, to_at, to, flags))
               : -1;
}

int rename(const char *from, const char *to)
{
    return rename_at(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int renameat(int at, const char *from, int to_at, const char *to)
{
    return rename_at(at, from, to_at, to, 0);
}

int renameat2(int at, const char *from, int to_at, const char *to, unsigned flags)
{
    return rename_at(at, from, to_at, to, flags);
}

int linkat(int at, const char *from, int to_at, const char *to, int flags)
{
    char path[FAULT_PATH], path2[FAULT_PATH];
    bool matches = fault_matches(at, from, path);
    if (!fault_matches(to_at, to, path2) && !matches)
        return (int)syscall(SYS_linkat, at, from, to_at, to, flags);
    fault_call call = {.op = FAULT_LINK, .fd = -1, .path = path, .path2 = path2};
    return fault_begin(&call)
               ? (int)fault_end(&call, syscall(SYS_linkat, at, from, to_at, to, flags))
               : -1;
}

int link(const char *from, const char *to)
{
    return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int unlinkat(int at, const char *name, int flags)
{
    char path[FAULT_PATH];
    if (!fault_matches(at, name, path))
        return (int)syscall(SYS_unlinkat, at, name, flags);
    fault_call call = {.op = FAULT_UNLINK, .fd = -1, .path = path};
    return fault_begin(&call) ? (int)fault_end(&call, syscall(SYS_unlinkat, at, name, flags)) : -1;
}

int unlink(const char *name)
{
    return unlinkat(AT_FDCWD, name, 0);
}

int remove(const char *name)
{
    int result = unlinkat(AT_FDCWD, name, 0);
    return result != 0 && errno == EISDIR ? unlinkat(AT_FDCWD, name, AT_REMOVEDIR) : result;
}

int mkdir(const char *name, mode_t mode)
{
    char path[FAULT_PATH];
    if (!fault_matches(AT_FDCWD, name, path))
        return (int)syscall(SYS_mkdirat, AT_FDCWD, name, mode);
    fault_call call = {.op = FAULT_MKDIR, .fd = -1, .path = path};
    return fault_begin(&call) ? (int)fault_end(&call, syscall(SYS_mkdirat, AT_FDCWD, name, mode))
                              : -1;
}
