#include "store/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/column.h"

enum { PARTIAL_NAMES = 100 };

static int complain(const char *path, const char *what, int error, kpu_diag *diag)
{
    kpu_place place = {.file = path};
    const char *hint = "";
    if (error == ENOSPC || error == EDQUOT)
        hint = "; free some space or choose another folder with -o";
    else if (error == EFBIG)
        hint = "; a limit on the size of files (ulimit -f) is in force";
    return kpu_diag_add_at(diag, KPU_E_IO, &place, "%s: %s%s", what, strerror(error), hint);
}

int kpu_output_file_complain(const kpu_output_file *output, const char *doing, kpu_diag *diag)
{
    if (output->error)
        return complain(output->path, doing, output->error, diag);
    return kpu_store_complain_hdf5(output->path, KPU_E_IO, doing, diag);
}

int kpu_output_file_complain_write(const kpu_output_file *output, kpu_diag *diag)
{
    char doing[64];
    snprintf(doing, sizeof doing, "cannot write the %s", output->what);
    return kpu_output_file_complain(output, doing, diag);
}

/* The name must be free, or a regular file that we may replace. */
static int check_target(const char *path, const char *what, bool force, kpu_diag *diag)
{
    kpu_place place = {.file = *path ? path : NULL};
    struct stat st;
    size_t length = strlen(path);
    if (length == 0 || path[length - 1] == '/')
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place, "the %s file needs a name", what);
    if (stat(path, &st) != 0)
        return KPU_OK; /* if the folder is the trouble, creating tells */
    if (S_ISDIR(st.st_mode))
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                               "is a folder; the %s file needs a name in it", what);
    if (!force)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                               "exists already; choose another name or use --force to replace it");
    if (!S_ISREG(st.st_mode))
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                               "is no regular file, so no %s file can replace it", what);
    return KPU_OK;
}

/* Process numbers come back (every container has a process 7), so a partial file of ours may
 * stand here from a run that was killed; it may be all that is left of that run, so keep it. */
static int create_partial(kpu_output_file *out)
{
    for (int attempt = 0; attempt < PARTIAL_NAMES; attempt++) {
        free(out->partial);
        out->partial = NULL;
        int printed =
            attempt == 0
                ? asprintf(&out->partial, "%s.partial-%ld", out->path, (long)getpid())
                : asprintf(&out->partial, "%s.partial-%ld-%d", out->path, (long)getpid(), attempt);
        if (printed < 0) {
            out->partial = NULL;
            return ENOMEM;
        }
        out->fd = open(out->partial, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (out->fd >= 0)
            return 0;
        if (errno != EEXIST)
            return errno;
    }
    return EEXIST;
}

int kpu_output_file_create(const char *path, const char *what, bool force, kpu_output_file *out,
                           kpu_diag *diag)
{
    char doing[64];
    *out = (kpu_output_file){.fd = -1, .what = what, .force = force};
    int code = check_target(path, what, force, diag);
    if (code != KPU_OK)
        return code;
    out->path = strdup(path);
    int error = out->path ? create_partial(out) : ENOMEM;
    if (error == 0)
        return KPU_OK;
    snprintf(doing, sizeof doing, "cannot create the %s file", what);
    complain(path, doing, error, diag);
    free(out->path);
    free(out->partial);
    *out = (kpu_output_file){.fd = -1};
    return error == ENOMEM ? KPU_E_MEMORY : KPU_E_INPUT;
}

static void release(kpu_output_file *output)
{
    if (output->fd >= 0)
        close(output->fd);
    free(output->path);
    free(output->partial);
    *output = (kpu_output_file){.fd = -1};
}

void kpu_output_file_discard(kpu_output_file *output)
{
    if (output->partial)
        unlink(output->partial);
    release(output);
}

static int rename_partial(const kpu_output_file *output)
{
    if (output->force)
        return rename(output->partial, output->path) == 0 ? 0 : errno;
    if (renameat2(AT_FDCWD, output->partial, AT_FDCWD, output->path, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return errno;
    /* A file system without RENAME_NOREPLACE: link() does not replace either. */
    if (link(output->partial, output->path) != 0)
        return errno;
    unlink(output->partial);
    return 0;
}

/* So that the new name, not only the data, survives a power cut. Not every file system can. */
static void sync_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    free(folder);
    if (fd < 0)
        return;
    (void)fsync(fd);
    close(fd);
}

int kpu_output_file_commit(kpu_output_file *output, kpu_diag *diag)
{
    if (!output->error && fsync(output->fd) != 0 && errno != EINVAL && errno != EROFS)
        output->error = errno;
    if (output->error) {
        int code = kpu_output_file_complain_write(output, diag);
        kpu_output_file_discard(output);
        return code;
    }
    int error = rename_partial(output);
    if (error) {
        kpu_place place = {.file = output->path};
        kpu_diag_add_at(diag, KPU_E_IO, &place, "%s; what was written is complete and kept as '%s'",
                        error == EEXIST ? "has come into being since the run began"
                                        : strerror(error),
                        output->partial);
    } else {
        sync_folder(output->path);
    }
    release(output);
    return error ? KPU_E_IO : KPU_OK;
}

/* ---- The HDF5 driver -------------------------------------------------------------------- */

#if H5_VERS_MAJOR != 1 || H5_VERS_MINOR != 10
#error "the driver below is written to the interface of HDF5 1.10"
#endif

typedef struct driver_file {
    H5FD_t public; /* must come first */
    kpu_output_file *output;
    haddr_t eoa, eof;
} driver_file;

typedef struct driver_info {
    kpu_output_file *output;
} driver_info;

static H5FD_t *driver_open(const char *name, unsigned flags, hid_t fapl, haddr_t max)
{
    (void)name, (void)flags, (void)max;
    const driver_info *info = H5Pget_driver_info(fapl);
    driver_file *file = info ? calloc(1, sizeof *file) : NULL;
    if (!file)
        return NULL;
    file->output = info->output;
    return &file->public;
}

static herr_t driver_close(H5FD_t *file)
{
    free(file);
    return 0;
}

static herr_t driver_query(const H5FD_t *file, unsigned long *flags)
{
    (void)file;
    *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
             H5FD_FEAT_AGGREGATE_SMALLDATA | H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
    return 0;
}

static haddr_t driver_get_eoa(const H5FD_t *file, H5FD_mem_t type)
{
    (void)type;
    return ((const driver_file *)file)->eoa;
}

static herr_t driver_set_eoa(H5FD_t *file, H5FD_mem_t type, haddr_t address)
{
    (void)type;
    ((driver_file *)file)->eoa = address;
    return 0;
}

static haddr_t driver_get_eof(const H5FD_t *file, H5FD_mem_t type)
{
    (void)type;
    return ((const driver_file *)file)->eof;
}

static herr_t driver_read(H5FD_t *file, H5FD_mem_t type, hid_t dxpl, haddr_t address, size_t size,
                          void *buffer)
{
    (void)type, (void)dxpl;
    int fd = ((driver_file *)file)->output->fd;
    char *to = buffer;
    while (size > 0) {
        ssize_t n = pread(fd, to, size, (off_t)address);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0) { /* past the end: what was never written reads as zeros */
            memset(to, 0, size);
            return 0;
        }
        to += n;
        address += (haddr_t)n;
        size -= (size_t)n;
    }
    return 0;
}

static herr_t driver_write(H5FD_t *file, H5FD_mem_t type, hid_t dxpl, haddr_t address, size_t size,
                           const void *buffer)
{
    (void)type, (void)dxpl;
    driver_file *self = (driver_file *)file;
    const char *from = buffer;
    if (address + size > self->eof)
        self->eof = address + size;
    while (size > 0 && !self->output->error) {
        ssize_t n = pwrite(self->output->fd, from, size, (off_t)address);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            self->output->error = n < 0 ? errno : ENOSPC;
            break;
        }
        from += n;
        address += (haddr_t)n;
        size -= (size_t)n;
    }
    return 0;
}

static herr_t driver_truncate(H5FD_t *file, hid_t dxpl, hbool_t closing)
{
    (void)dxpl, (void)closing;
    driver_file *self = (driver_file *)file;
    if (self->eof != self->eoa && !self->output->error &&
        ftruncate(self->output->fd, (off_t)self->eoa) != 0)
        self->output->error = errno;
    self->eof = self->eoa;
    return 0;
}

static const H5FD_class_t driver_class = {
    .name = "kpu-output",
    .maxaddr = INT64_MAX,
    .fc_degree = H5F_CLOSE_STRONG,
    .fapl_size = sizeof(driver_info),
    .open = driver_open,
    .close = driver_close,
    .query = driver_query,
    .get_eoa = driver_get_eoa,
    .set_eoa = driver_set_eoa,
    .get_eof = driver_get_eof,
    .read = driver_read,
    .write = driver_write,
    .truncate = driver_truncate,
    .fl_map = H5FD_FLMAP_DICHOTOMY,
};

/* Metadata stays in memory between flushes, so what is on disk is always what the last flush left:
 * a killed run leaves a file that opens. A million rows need some megabytes of it. */
static herr_t hold_metadata(hid_t access)
{
    H5AC_cache_config_t config = {.version = H5AC__CURR_CACHE_CONFIG_VERSION};
    if (H5Pget_mdc_config(access, &config) < 0)
        return -1;
    config.evictions_enabled = 0;
    config.incr_mode = H5C_incr__off;
    config.flash_incr_mode = H5C_flash_incr__off;
    config.decr_mode = H5C_decr__off;
    return H5Pset_mdc_config(access, &config);
}

hid_t kpu_output_file_access(kpu_output_file *output)
{
    driver_info info = {output};
    hid_t driver = H5FDregister(&driver_class);
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    bool ok = driver >= 0 && access >= 0 && H5Pset_driver(access, driver, &info) >= 0 &&
              H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) >= 0 && hold_metadata(access) >= 0;
    if (driver >= 0)
        H5FDunregister(driver); /* the list keeps its own reference */
    if (ok)
        return access;
    if (access >= 0)
        H5Pclose(access);
    return -1;
}
