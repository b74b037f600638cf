#include "store/durable_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "store/column.h"
#include "store/disk.h"

/* What is new begins on a page of its own: whatever a power cut does to a page that was being
 * written, nothing that was committed is in it. */
enum { PAGE_BYTES = 4096 };
/* Blocks that wait in memory, and are written anew at each commit, while a reader keeps the file
 * open; beyond that he keeps the old file, and we go on with a copy. */
enum { WAITING_BLOCKS = (8 << 20) / KPU_BLOCK_BYTES, WAITING_BLOCKS_MOST = 2 * WAITING_BLOCKS };
static const double copy_rest_factor = 20;
/* How long readers are waited for when there is no hurry. */
static const double resume_patience_s = 0.5, finish_patience_s = 1;
/* How often we look whether one who reads has closed the file. */
static const double catch_up_s = 1e-3;

static uint64_t whole_pages(uint64_t bytes)
{
    return (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

int kpu_durable_file_complain(const kpu_durable_file *file, const char *doing, kpu_diag *diag)
{
    if (file->blocks.error)
        return kpu_output_file_complain(&file->output, file->blocks.error, doing, diag);
    return kpu_store_complain_hdf5(file->output.path, KPU_E_IO, doing, diag);
}

static void release(kpu_durable_file *file)
{
    kpu_overlay_fini(&file->blocks.overlay);
    kpu_record_fini(&file->record);
    free(file->bytes);
    file->bytes = NULL;
    kpu_journal_close(&file->journal);
    kpu_output_file_release(&file->output);
}

static void empty(kpu_durable_file *out)
{
    *out = (kpu_durable_file){.output.fd = -1, .blocks.fd = -1, .journal.fds = {-1, -1}};
}

/* ---- Creation --------------------------------------------------------------------------- */

static int open_journal(kpu_durable_file *file, kpu_diag *diag)
{
    char writer[KPU_JOURNAL_WRITER_BYTES] = "";
    kpu_place place = {.file = file->output.path};
    int error = kpu_journal_open(file->output.partial, &file->journal, writer);
    if (error == EWOULDBLOCK)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place, "is being written by another run (%s)",
                               writer);
    return error ? kpu_output_file_complain_create(&file->output, error, diag) : KPU_OK;
}

static int refuse(const kpu_durable_file *file, int slot, const char *what, kpu_diag *diag)
{
    kpu_place place = {.file = file->output.path};
    return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                           "'%s' is in the way, and '%s', without which it cannot be gone on with, "
                           "is %s; remove it, or drop it with --force",
                           file->output.partial, file->journal.paths[slot], what);
}

/* Journals that are not those of the partial file would ruin it. */
static int check_journal(const kpu_durable_file *file, kpu_diag *diag)
{
    const bool *is_new = file->journal.is_new;
    if (access(file->output.partial, F_OK) != 0 || !(is_new[0] || is_new[1]))
        return KPU_OK;
    return refuse(file, is_new[0] ? 0 : 1, "missing", diag);
}

/* What a run that did not end has left may go only by force, unless it had committed nothing. */
static int check_partial(kpu_durable_file *file, kpu_diag *diag)
{
    kpu_output_file *output = &file->output;
    kpu_place place = {.file = output->path};
    if (output->force || access(output->partial, F_OK) != 0)
        return KPU_OK;
    int code = check_journal(file, diag);
    if (code != KPU_OK)
        return code;
    int error = kpu_journal_read(&file->journal, &file->record);
    if (error == ENODATA)
        return KPU_OK;
    if (error == EUCLEAN)
        return refuse(file, 0, "damaged", diag);
    if (error)
        return kpu_output_file_complain_create(output, error, diag);
    long long rows = (long long)kpu_record_header(&file->record)->rows;
    return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                           "'%s' has %lld rows of a run that did not end; go on with it "
                           "(--resume), or drop it with --force",
                           output->partial, rows);
}

static char *copy_path(const kpu_durable_file *file)
{
    char *path = NULL;
    return asprintf(&path, "%s.copy", file->output.partial) < 0 ? NULL : path;
}

/* A kill may have left one. */
static int remove_copy(const kpu_durable_file *file)
{
    char *path = copy_path(file);
    int error = path ? kpu_disk_remove(path) : ENOMEM;
    free(path);
    return error;
}

/* The names go before the records that tell what they are of: never the other way round. */
int kpu_durable_file_sweep(kpu_durable_file *file)
{
    int error = remove_copy(file);
    if (!error)
        error = kpu_disk_remove(file->output.partial);
    if (!error)
        error = kpu_disk_sync_folder(file->output.partial);
    return error ? error : kpu_journal_clear(&file->journal);
}

/* Locked until the first commit: before that there is nothing to be read. */
static int make_partial(kpu_durable_file *file)
{
    int error = kpu_disk_open(file->output.partial, O_RDWR | O_CREAT | O_EXCL, &file->output.fd);
    file->blocks.fd = file->output.fd;
    if (!error)
        error = kpu_disk_lock(file->output.fd, LOCK_EX | LOCK_NB);
    return error == ENOTSUP || error == EWOULDBLOCK ? 0 : error;
}

int kpu_durable_file_take(const char *path, kpu_durable_file *out, kpu_diag *diag)
{
    empty(out);
    int code = kpu_output_file_init(path, "results", true, &out->output, diag);
    if (code == KPU_OK)
        code = open_journal(out, diag);
    if (code != KPU_OK)
        release(out);
    return code;
}

int kpu_durable_file_create(const char *path, bool force, kpu_durable_file *out, kpu_diag *diag)
{
    empty(out);
    int code = kpu_output_file_init(path, "results", force, &out->output, diag);
    if (code == KPU_OK)
        code = open_journal(out, diag);
    if (code != KPU_OK) {
        release(out);
        return code;
    }
    code = kpu_output_file_check(&out->output, diag); /* the other one may just have finished */
    if (code == KPU_OK)
        code = check_partial(out, diag);
    if (code != KPU_OK) {
        kpu_journal_undo(&out->journal);
        release(out);
        return code;
    }
    out->state.may_replace = force;
    int error = kpu_durable_file_sweep(out);
    if (!error)
        error = make_partial(out);
    if (error) {
        code = kpu_output_file_complain_create(&out->output, error, diag);
        kpu_durable_file_discard(out);
    }
    return code;
}

/* ---- Commits ---------------------------------------------------------------------------- */

bool kpu_durable_file_set_bytes(kpu_durable_file *file, const void *bytes, size_t count)
{
    unsigned char *copy = count > 0 ? malloc(count) : NULL;
    if (count > 0 && !copy)
        return false;
    if (count > 0)
        memcpy(copy, bytes, count);
    free(file->bytes);
    file->bytes = copy;
    file->state.byte_count = count;
    return true;
}

/* Whether the files are ours, where they were; a complaint, and an error, if not. */
static int check_place(kpu_durable_file *file, kpu_diag *diag)
{
    kpu_place place = {.file = file->output.path};
    char writer[KPU_JOURNAL_WRITER_BYTES];
    bool partial = kpu_disk_is_at(file->output.fd, file->output.partial);
    file->is_taken = kpu_journal_is_taken(&file->journal, writer);
    if (partial && !file->is_taken && kpu_journal_is_there(&file->journal))
        return KPU_OK;
    file->blocks.error = ENOENT;
    if (file->is_taken)
        return kpu_diag_add_at(diag, KPU_E_IO, &place,
                               "another run writes it now (%s), so this one cannot", writer);
    return kpu_diag_add_at(diag, KPU_E_IO, &place, "'%s%s' was removed or replaced during the run",
                           file->output.partial, partial ? ".journal-*" : "");
}

/* The blocks of the record are in the file, for all who read it; those that were changed since the
 * commit stay here. */
static int note_applied(kpu_durable_file *file)
{
    kpu_block_file *blocks = &file->blocks;
    if (!kpu_overlay_drop_settled(&blocks->overlay))
        return ENOMEM;
    if (blocks->overlay.count == 0)
        blocks->guarded = whole_pages(file->state.length);
    file->pending = false;
    return 0;
}

/* Our shared lock keeps everybody from opening the file for writing, but for us: others read. */
static int apply(kpu_durable_file *file, double patience)
{
    int error = kpu_disk_lock_patiently(file->output.fd, LOCK_EX | LOCK_NB, patience);
    if (error == 0 || error == ENOTSUP) {
        error = kpu_record_apply(&file->record, file->output.fd);
        if (!error)
            error = note_applied(file);
    }
    (void)kpu_disk_lock(file->output.fd, LOCK_SH | LOCK_NB);
    return error;
}

int kpu_durable_file_catch_up(kpu_durable_file *file)
{
    if (!file->pending || file->blocks.error)
        return file->blocks.error;
    double now = kpu_disk_seconds();
    if (now - file->last_try < catch_up_s)
        return 0;
    file->last_try = now;
    int error = apply(file, 0);
    if (error && error != EWOULDBLOCK)
        file->blocks.error = error;
    return file->blocks.error;
}

static int make_copy(kpu_durable_file *file, const char *path, int *fd)
{
    int error = kpu_disk_remove(path);
    if (!error)
        error = kpu_disk_open(path, O_RDWR | O_CREAT | O_EXCL, fd);
    if (!error)
        error = kpu_disk_copy(file->output.fd, *fd);
    if (!error)
        error = kpu_record_apply(&file->record, *fd);
    return error ? error : kpu_disk_sync(*fd);
}

/* Readers keep the file that they have; the name goes to a copy that has the blocks too. */
static int apply_to_copy(kpu_durable_file *file)
{
    char *path = copy_path(file);
    int fd = -1, error = path ? make_copy(file, path, &fd) : ENOMEM;
    if (!error)
        (void)kpu_disk_lock(fd, LOCK_SH | LOCK_NB);
    if (!error)
        error = kpu_disk_move(path, file->output.partial, true);
    if (!error) {
        close(file->output.fd);
        file->output.fd = file->blocks.fd = fd;
        error = kpu_disk_sync_folder(file->output.partial);
        if (!error)
            error = note_applied(file);
    } else {
        if (fd >= 0)
            close(fd);
        if (path)
            (void)kpu_disk_remove(path);
    }
    free(path);
    return error;
}

/* Somebody may read all the time: a large file is not copied again and again. */
static bool is_copy_due(const kpu_durable_file *file)
{
    size_t waiting = file->blocks.overlay.count;
    bool rested = kpu_disk_seconds() >= file->next_copy;
    return waiting > (rested ? WAITING_BLOCKS : WAITING_BLOCKS_MOST);
}

static int copy_while_running(kpu_durable_file *file)
{
    double start = kpu_disk_seconds();
    int error = apply_to_copy(file);
    double end = kpu_disk_seconds();
    file->next_copy = end + copy_rest_factor * (end - start);
    return error == ENOSPC || error == EDQUOT ? 0 : error; /* there may be room another time */
}

/* The state after this commit is on the disk, or that of before. */
static int write_record(kpu_durable_file *file)
{
    kpu_block_file *blocks = &file->blocks;
    kpu_journal_header state = file->state;
    uint64_t size = 0, pages = whole_pages(blocks->length);
    int error = kpu_disk_size(file->output.fd, &size);
    if (!error && size < blocks->length)
        error = kpu_disk_truncate(file->output.fd, blocks->length);
    if (!error)
        error = kpu_disk_sync(file->output.fd);
    if (!error && state.generation == 0)
        error = kpu_disk_sync_folder(file->output.partial);
    state.generation++;
    state.length = blocks->length;
    state.guarded = pages > blocks->guarded ? pages : blocks->guarded;
    if (blocks->overlay.count > 0)
        kpu_block_file_touch(blocks);
    if (!error)
        error = blocks->error;
    if (!error && !kpu_record_make(&file->record, &state, &blocks->overlay, file->bytes))
        error = ENOMEM;
    if (!error)
        error = kpu_journal_write(&file->journal, &file->record);
    if (error)
        return error;
    file->state = state;
    kpu_overlay_settle(&blocks->overlay);
    blocks->guarded = state.guarded;
    file->pending = true;
    return 0;
}

static int commit(kpu_durable_file *file, double patience, kpu_diag *diag)
{
    kpu_block_file *blocks = &file->blocks;
    int code = blocks->error ? KPU_OK : check_place(file, diag);
    if (code != KPU_OK)
        return code;
    int error = blocks->error ? blocks->error : write_record(file);
    if (!error)
        error = apply(file, patience);
    if (error == EWOULDBLOCK)
        error = is_copy_due(file) ? copy_while_running(file) : 0;
    if (!error)
        return KPU_OK;
    blocks->error = error;
    return kpu_output_file_complain_write(&file->output, error, diag);
}

int kpu_durable_file_commit(kpu_durable_file *file, kpu_diag *diag)
{
    return commit(file, 0, diag);
}

/* ---- Going on --------------------------------------------------------------------------- */

static int open_partial(kpu_durable_file *file, kpu_diag *diag)
{
    uint64_t size = 0;
    kpu_place place = {.file = file->output.partial};
    int error = kpu_disk_open(file->output.partial, O_RDWR, &file->output.fd);
    if (!error)
        error = kpu_disk_size(file->output.fd, &size);
    if (error)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place, "cannot be gone on with: %s",
                               strerror(error));
    file->blocks.fd = file->output.fd;
    if (kpu_disk_lock(file->output.fd, LOCK_SH | LOCK_NB) == EWOULDBLOCK)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place, "is open for writing in another program");
    if (size < file->state.length)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                               "is damaged: it has %llu bytes where its last commit left %llu",
                               (unsigned long long)size, (unsigned long long)file->state.length);
    return KPU_OK;
}

/* All that is in memory of a file, from its latest record. What came after that commit is cut off,
 * for its room: nothing refers to it. */
static int restore(kpu_durable_file *file)
{
    kpu_block_file *blocks = &file->blocks;
    uint64_t size = 0;
    blocks->length = file->state.length;
    blocks->guarded = file->state.guarded;
    file->pending = true;
    if (!kpu_record_load(&file->record, &blocks->overlay))
        return ENOMEM;
    int error = kpu_journal_write_again(&file->journal, &file->record);
    if (!error)
        error = remove_copy(file);
    if (!error)
        error = kpu_disk_size(file->output.fd, &size);
    if (!error && size > blocks->guarded)
        error = kpu_disk_truncate(file->output.fd, blocks->guarded);
    if (!error)
        error = apply(file, resume_patience_s);
    return error == EWOULDBLOCK ? 0 : error;
}

static int resume(kpu_durable_file *file, kpu_diag *diag)
{
    kpu_place place = {.file = file->output.path};
    int code = open_journal(file, diag);
    if (code == KPU_OK)
        code = check_journal(file, diag);
    if (code != KPU_OK)
        return code;
    int error = kpu_journal_read(&file->journal, &file->record);
    if (error == ENODATA || access(file->output.partial, F_OK) != 0)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                               "there is no unfinished run to go on with");
    if (error == EUCLEAN)
        return refuse(file, 0, "damaged", diag);
    if (error)
        return kpu_output_file_complain_create(&file->output, error, diag);
    file->state = *kpu_record_header(&file->record);
    file->output.force = file->state.may_replace;
    code = kpu_output_file_check(&file->output, diag);
    if (code == KPU_OK)
        code = open_partial(file, diag);
    if (code != KPU_OK)
        return code;
    file->state.byte_count = 0;
    error = kpu_durable_file_set_bytes(file, kpu_record_bytes(&file->record),
                                       kpu_record_header(&file->record)->byte_count)
                ? restore(file)
                : ENOMEM;
    return error ? kpu_output_file_complain_write(&file->output, error, diag) : KPU_OK;
}

int kpu_durable_file_resume(const char *path, kpu_durable_file *out, kpu_diag *diag)
{
    empty(out);
    /* Whether it may take the place of a file of that name is not known yet. */
    int code = kpu_output_file_init(path, "results", true, &out->output, diag);
    if (code == KPU_OK)
        code = resume(out, diag);
    if (code == KPU_OK)
        return KPU_OK;
    kpu_journal_undo(&out->journal);
    release(out);
    return code;
}

/* ---- The end ---------------------------------------------------------------------------- */

void kpu_durable_file_close(kpu_durable_file *file)
{
    uint64_t size = 0;
    /* After a failure there may be much that was not committed: room that others can use. But not
     * if a record may be found that refers to it. */
    if (!file->is_taken && !file->journal.is_uncertain && file->output.fd >= 0 &&
        file->state.generation > 0 && kpu_disk_size(file->output.fd, &size) == 0 &&
        size > file->blocks.guarded)
        (void)kpu_disk_truncate(file->output.fd, file->blocks.guarded);
    kpu_journal_leave(&file->journal);
    release(file);
}

void kpu_durable_file_discard(kpu_durable_file *file)
{
    if (file->is_taken) {
        release(file);
        return;
    }
    if (file->output.partial && file->output.fd >= 0 &&
        kpu_disk_is_at(file->output.fd, file->output.partial) &&
        kpu_disk_remove(file->output.partial) == 0)
        (void)kpu_disk_sync_folder(file->output.partial);
    kpu_journal_remove(&file->journal);
    release(file);
}

int kpu_durable_file_finish(kpu_durable_file *file, kpu_diag *diag)
{
    int code = commit(file, finish_patience_s, diag), error = 0;
    if (code == KPU_OK && file->pending)
        error = apply_to_copy(file);
    if (code == KPU_OK && !error)
        error = kpu_disk_truncate(file->output.fd, file->blocks.length);
    if (code == KPU_OK && !error)
        error = kpu_disk_sync(file->output.fd);
    if (error)
        code = kpu_output_file_complain_write(&file->output, error, diag);
    if (code == KPU_OK)
        code = kpu_output_file_rename(&file->output, diag);
    if (code == KPU_OK)
        kpu_journal_remove(&file->journal);
    else
        kpu_journal_leave(&file->journal);
    release(file);
    return code;
}
