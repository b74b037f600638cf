#include "store/block_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/disk.h"

static void fail(kpu_block_file *file, int error)
{
    if (!file->error)
        file->error = error;
}

/* The piece of a block that begins at `address`. */
static size_t piece_of(uint64_t address, size_t size)
{
    size_t room = KPU_BLOCK_BYTES - (size_t)(address % KPU_BLOCK_BYTES);
    return size < room ? size : room;
}

static int read_bytes(const kpu_block_file *file, uint64_t address, char *out, size_t size)
{
    int error = kpu_disk_read(file->fd, address, out, size);
    if (file->overlay.count == 0)
        return error;
    while (!error && size > 0) {
        size_t some = piece_of(address, size);
        const unsigned char *block = kpu_overlay_find(&file->overlay, address / KPU_BLOCK_BYTES);
        if (block)
            memcpy(out, block + address % KPU_BLOCK_BYTES, some);
        out += some;
        address += some;
        size -= some;
    }
    return error;
}

/* The block as it is now, to be changed. NULL: that failed. */
static unsigned char *block_to_change(kpu_block_file *file, uint64_t number, bool wholly)
{
    bool added;
    unsigned char *block = kpu_overlay_change(&file->overlay, number, &added);
    int error = block ? 0 : ENOMEM;
    if (block && added && !wholly)
        error = kpu_disk_read(file->fd, number * KPU_BLOCK_BYTES, block, KPU_BLOCK_BYTES);
    if (error)
        fail(file, error);
    return block;
}

void kpu_block_file_touch(kpu_block_file *file)
{
    (void)block_to_change(file, 0, false);
}

static void write_to_memory(kpu_block_file *file, uint64_t address, const char *from, size_t size)
{
    while (size > 0) {
        size_t some = piece_of(address, size);
        unsigned char *block =
            block_to_change(file, address / KPU_BLOCK_BYTES, some == KPU_BLOCK_BYTES);
        if (block)
            memcpy(block + address % KPU_BLOCK_BYTES, from, some);
        from += some;
        address += some;
        size -= some;
    }
}

static void write_bytes(kpu_block_file *file, uint64_t address, const char *from, size_t size)
{
    size_t kept = 0;
    if (file->error)
        kept = size;
    else if (address < file->guarded)
        kept = file->guarded - address < size ? (size_t)(file->guarded - address) : size;
    if (kept < size) {
        int error = kpu_disk_write(file->fd, address + kept, from + kept, size - kept);
        if (error) {
            fail(file, error);
            kept = size;
        }
    }
    write_to_memory(file, address, from, kept);
}

/* ---- The HDF5 driver -------------------------------------------------------------------- */

#if H5_VERS_MAJOR != 1 || H5_VERS_MINOR != 10
#error "the driver below is written to the interface of HDF5 1.10"
#endif

typedef struct driver_file {
    H5FD_t public; /* must come first */
    kpu_block_file *file;
    haddr_t eoa, eof;
} driver_file;

typedef struct driver_info {
    kpu_block_file *file;
} driver_info;

static H5FD_t *driver_open(const char *name, unsigned flags, hid_t fapl, haddr_t max)
{
    (void)name, (void)flags, (void)max;
    const driver_info *info = H5Pget_driver_info(fapl);
    driver_file *self = info ? calloc(1, sizeof *self) : NULL;
    if (!self)
        return NULL;
    self->file = info->file;
    self->eof = info->file->length;
    return &self->public;
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
    kpu_block_file *self = ((driver_file *)file)->file;
    int error = read_bytes(self, address, buffer, size);
    if (error)
        fail(self, error);
    return error ? -1 : 0;
}

static herr_t driver_write(H5FD_t *file, H5FD_mem_t type, hid_t dxpl, haddr_t address, size_t size,
                           const void *buffer)
{
    (void)type, (void)dxpl;
    driver_file *self = (driver_file *)file;
    if (address + size > self->eof)
        self->eof = address + size;
    write_bytes(self->file, address, buffer, size);
    return 0;
}

/* HDF5 says how long the file is; it gets that length when it is committed. */
static herr_t driver_truncate(H5FD_t *file, hid_t dxpl, hbool_t closing)
{
    (void)dxpl, (void)closing;
    driver_file *self = (driver_file *)file;
    self->eof = self->eoa;
    self->file->length = self->eoa;
    return 0;
}

static const H5FD_class_t driver_class = {
    .name = "kpu-blocks",
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

hid_t kpu_block_file_access(kpu_block_file *file)
{
    driver_info info = {file};
    hid_t driver = H5FDregister(&driver_class);
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    /* The format of 1.8 has checksums in all that says what is where, but for the index of chunks;
     * that of 1.10 marks a file that is being written, and who reads it is refused. It is used for
     * what only it has, views. */
    bool ok = driver >= 0 && access >= 0 && H5Pset_driver(access, driver, &info) >= 0 &&
              H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) >= 0 &&
              H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V110) >= 0;
    if (driver >= 0)
        H5FDunregister(driver); /* the list keeps its own reference */
    if (ok)
        return access;
    if (access >= 0)
        H5Pclose(access);
    return -1;
}
