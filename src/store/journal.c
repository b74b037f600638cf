#include "store/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store/disk.h"

/* Each file begins with a page for the writer's name; the record follows. */
enum { RECORD_AT = 4096, ATTEMPTS = 50 };
static const uint64_t magic = UINT64_C(0x3261646a7570646b);
/* Somebody who only looks holds the lock for an instant. */
static const double lock_patience_s = 0.1;
/* A run commits every 5 seconds, so one that was silent for this long is no more. */
static const double silent_s = 6;

static char *slot_path(const char *partial, int slot)
{
    char *path = NULL;
    return asprintf(&path, "%s.journal-%d", partial, slot) < 0 ? NULL : path;
}

/* ---- Records in files ------------------------------------------------------------------- */

static void hash_of(const kpu_record *record, char out[33])
{
    size_t skipped = offsetof(kpu_journal_header, generation);
    kpu_hash_hex(record->bytes + skipped, record->size - skipped, out);
}

static int read_header(int fd, kpu_journal_header *out)
{
    return kpu_disk_read(fd, RECORD_AT, out, sizeof *out);
}

/* The record's bytes, 0 if the header cannot be one of a record in this file. */
static uint64_t record_bytes(const kpu_journal_header *header, uint64_t file_bytes)
{
    const uint64_t each = sizeof(uint64_t) + KPU_BLOCK_BYTES, before = RECORD_AT + sizeof *header;
    if (header->magic != magic || header->generation == 0 || file_bytes < before ||
        header->byte_count > KPU_STORE_BYTES || header->byte_count > file_bytes - before ||
        header->block_count > (file_bytes - before - header->byte_count) / each ||
        header->guarded > INT64_MAX || header->length > header->guarded || header->rows < 0)
        return 0;
    return sizeof *header + header->block_count * each + header->byte_count;
}

/* Whether the numbers of the blocks ascend from 0 on, below what is in use: asked before memory is
 * taken for so many, as the file may say anything. An errno, ENODATA if not. */
static int check_numbers(int fd, const kpu_journal_header *header)
{
    enum { SOME = 512 };
    const uint64_t end = header->guarded / KPU_BLOCK_BYTES;
    uint64_t numbers[SOME], least = 0;
    for (uint64_t first = 0; first < header->block_count; first += SOME) {
        uint64_t left = header->block_count - first, count = left < SOME ? left : SOME;
        int error = kpu_disk_read(fd, RECORD_AT + sizeof *header + first * sizeof *numbers, numbers,
                                  count * sizeof *numbers);
        for (uint64_t i = 0; !error && i < count; i++) {
            if (numbers[i] < least || numbers[i] >= end || (first + i == 0 && numbers[i] != 0))
                error = ENODATA;
            least = numbers[i] + 1;
        }
        if (error)
            return error;
    }
    return 0;
}

static bool is_whole(const kpu_record *record)
{
    const kpu_journal_header *header = kpu_record_header(record);
    char hash[33];
    hash_of(record, hash);
    if (memcmp(hash, header->hash, sizeof hash) != 0)
        return false;
    for (size_t i = 0; i < KPU_STORE_NUMBERS; i++)
        if (header->numbers[i].name[KPU_JOURNAL_NAME_BYTES - 1] != '\0')
            return false;
    return true;
}

/* ENODATA: there is none, or not all of one. */
static int read_record(int fd, kpu_record *out)
{
    kpu_journal_header header;
    uint64_t file_bytes = 0;
    int error = kpu_disk_size(fd, &file_bytes);
    if (!error)
        error = read_header(fd, &header);
    if (error)
        return error;
    uint64_t bytes = record_bytes(&header, file_bytes);
    error = bytes == 0 ? ENODATA : check_numbers(fd, &header);
    if (error)
        return error;
    kpu_record_fini(out);
    out->bytes = malloc(bytes);
    if (!out->bytes)
        return ENOMEM;
    out->size = out->capacity = bytes;
    error = kpu_disk_read(fd, RECORD_AT, out->bytes, bytes);
    if (!error && (memcmp(out->bytes, &header, sizeof header) != 0 || !is_whole(out)))
        error = ENODATA;
    return error;
}

/* Why there is no record. The first one goes to the first file: only there it may be torn by a
 * crash, and there was nothing before it. Whatever else is not whole was so, once. */
static int find_damage(const int fds[KPU_JOURNAL_SLOTS])
{
    kpu_journal_header first = {0};
    uint64_t bytes = 0;
    int error = fds[0] >= 0 ? read_header(fds[0], &first) : 0;
    if (!error && fds[1] >= 0)
        error = kpu_disk_size(fds[1], &bytes);
    if (error)
        return error;
    return bytes > RECORD_AT || (first.magic == magic && first.generation > 1) ? EUCLEAN : ENODATA;
}

/* The later one of the two; *latest the file that has it. */
static int read_latest(const int fds[KPU_JOURNAL_SLOTS], kpu_record *out, int *latest)
{
    *latest = -1;
    for (int slot = 0; slot < KPU_JOURNAL_SLOTS; slot++) {
        kpu_record record = {0};
        int error = fds[slot] >= 0 ? read_record(fds[slot], &record) : ENODATA;
        if (!error && (*latest < 0 || kpu_record_header(&record)->generation >
                                          kpu_record_header(out)->generation)) {
            kpu_record_fini(out);
            *out = record;
            *latest = slot;
            continue;
        }
        kpu_record_fini(&record);
        if (error && error != ENODATA)
            return error;
    }
    return *latest < 0 ? find_damage(fds) : 0;
}

/* ---- Who writes ------------------------------------------------------------------------- */

static void describe_writer(char out[KPU_JOURNAL_WRITER_BYTES])
{
    char host[65] = "", when[64] = "";
    time_t now = time(NULL);
    struct tm utc;
    if (gethostname(host, sizeof host - 1) != 0)
        snprintf(host, sizeof host, "this host");
    if (gmtime_r(&now, &utc))
        strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S UTC", &utc);
    memset(out, 0, KPU_JOURNAL_WRITER_BYTES);
    snprintf(out, KPU_JOURNAL_WRITER_BYTES, "%s, process %ld, since %s", host, (long)getpid(),
             when);
}

/* The text may be of any kind: it goes to a terminal. */
static void read_writer(int fd, char out[KPU_JOURNAL_WRITER_BYTES])
{
    if (kpu_disk_read(fd, 0, out, KPU_JOURNAL_WRITER_BYTES - 1) != 0)
        out[0] = '\0';
    out[KPU_JOURNAL_WRITER_BYTES - 1] = '\0';
    for (char *c = out; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
    if (!out[0])
        snprintf(out, KPU_JOURNAL_WRITER_BYTES, "another process");
}

typedef enum owner { OWNER_NONE, OWNER_ALIVE, OWNER_GONE, OWNER_ELSEWHERE } owner;

/* What is known of him who wrote his name and did not strike it out. */
static owner find_owner(int fd)
{
    char writer[KPU_JOURNAL_WRITER_BYTES], host[65] = "";
    read_writer(fd, writer);
    const char *process = strstr(writer, ", process ");
    if (!process || gethostname(host, sizeof host - 1) != 0)
        return OWNER_NONE;
    size_t length = (size_t)(process - writer);
    if (strlen(host) != length || memcmp(host, writer, length) != 0)
        return OWNER_ELSEWHERE;
    long pid = strtol(process + strlen(", process "), NULL, 10);
    if (pid <= 0 || pid == getpid() || (kill((pid_t)pid, 0) != 0 && errno == ESRCH))
        return OWNER_GONE;
    return OWNER_ALIVE;
}

/* Clocks of other hosts may differ from ours, so a file is watched for a while. */
static bool is_changing(const char *const *paths)
{
    const struct timespec pause = {.tv_nsec = 100000000};
    struct stat before[KPU_JOURNAL_SLOTS] = {0}, now;
    for (int slot = 0; slot < KPU_JOURNAL_SLOTS; slot++)
        if (stat(paths[slot], &before[slot]) != 0)
            return false;
    for (double end = kpu_disk_seconds() + silent_s; kpu_disk_seconds() < end;) {
        nanosleep(&pause, NULL);
        for (int slot = 0; slot < KPU_JOURNAL_SLOTS; slot++)
            if (stat(paths[slot], &now) != 0 || now.st_mtim.tv_sec != before[slot].st_mtim.tv_sec ||
                now.st_mtim.tv_nsec != before[slot].st_mtim.tv_nsec)
                return true;
    }
    return false;
}

/* The lock alone is not enough where file systems of several hosts have none, or keep it to one
 * host. */
static int lock_journal(int fd, const char *const *paths)
{
    int error = kpu_disk_lock_patiently(fd, LOCK_EX | LOCK_NB, lock_patience_s);
    if (error && error != ENOTSUP)
        return error;
    owner who = find_owner(fd);
    if (who == OWNER_ALIVE && error == 0)
        return 0; /* another process has got that number */
    if (who == OWNER_ALIVE || (who == OWNER_ELSEWHERE && is_changing(paths)))
        return EWOULDBLOCK;
    return 0;
}

static int open_slot(const char *path, int *fd, bool *is_new)
{
    int error = kpu_disk_open(path, O_RDWR | O_CREAT | O_EXCL, fd);
    *is_new = error == 0;
    return error == EEXIST ? kpu_disk_open(path, O_RDWR | O_CREAT, fd) : error;
}

/* The first file, locked. Whoever had it may have removed it at the end, so that the lock is one
 * on a file without a name. */
static int open_locked(const char *const *paths, int *fd, bool *is_new)
{
    const char *path = paths[0];
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        int error = open_slot(path, fd, is_new);
        if (!error)
            error = lock_journal(*fd, paths);
        if (error)
            return error;
        if (kpu_disk_is_at(*fd, path))
            return 0;
        close(*fd);
        *fd = -1;
    }
    return EBUSY;
}

int kpu_journal_open(const char *partial, kpu_journal *out, char writer[KPU_JOURNAL_WRITER_BYTES])
{
    *out = (kpu_journal){.fds = {-1, -1}, .latest = 1};
    int error = 0;
    for (int slot = 0; slot < KPU_JOURNAL_SLOTS; slot++)
        out->paths[slot] = slot_path(partial, slot);
    if (!out->paths[0] || !out->paths[1])
        error = ENOMEM;
    if (!error)
        error = open_locked((const char *const *)out->paths, &out->fds[0], &out->is_new[0]);
    if (error == EWOULDBLOCK)
        read_writer(out->fds[0], writer);
    if (!error) {
        describe_writer(out->writer);
        error = kpu_disk_write(out->fds[0], 0, out->writer, sizeof out->writer);
    }
    if (!error)
        error = open_slot(out->paths[1], &out->fds[1], &out->is_new[1]);
    if (error == EWOULDBLOCK)
        kpu_journal_close(out);
    else if (error)
        kpu_journal_undo(out);
    return error;
}

bool kpu_journal_is_taken(const kpu_journal *journal, char writer[KPU_JOURNAL_WRITER_BYTES])
{
    char now[KPU_JOURNAL_WRITER_BYTES];
    if (kpu_disk_read(journal->fds[0], 0, now, sizeof now) != 0 ||
        memcmp(now, journal->writer, sizeof now) == 0)
        return false;
    read_writer(journal->fds[0], writer);
    return true;
}

static void write_name(kpu_journal *journal, const char name[KPU_JOURNAL_WRITER_BYTES])
{
    char other[KPU_JOURNAL_WRITER_BYTES];
    if (journal->writer[0] && !kpu_journal_is_taken(journal, other))
        (void)kpu_disk_write(journal->fds[0], 0, name, KPU_JOURNAL_WRITER_BYTES);
}

void kpu_journal_beat(kpu_journal *journal)
{
    write_name(journal, journal->writer);
}

void kpu_journal_leave(kpu_journal *journal)
{
    static const char nobody[KPU_JOURNAL_WRITER_BYTES];
    write_name(journal, nobody);
    kpu_journal_close(journal);
}

void kpu_journal_undo(kpu_journal *journal)
{
    for (int slot = KPU_JOURNAL_SLOTS - 1; slot >= 0; slot--)
        if (journal->paths[slot] && journal->is_new[slot])
            kpu_disk_remove(journal->paths[slot]);
    kpu_journal_leave(journal);
}

void kpu_journal_close(kpu_journal *journal)
{
    for (int slot = KPU_JOURNAL_SLOTS - 1; slot >= 0; slot--) {
        if (journal->paths[slot] && journal->fds[slot] >= 0)
            close(journal->fds[slot]);
        free(journal->paths[slot]);
    }
    *journal = (kpu_journal){.fds = {-1, -1}};
}

int kpu_journal_clear(kpu_journal *journal)
{
    int error = 0;
    for (int slot = 0; slot < KPU_JOURNAL_SLOTS; slot++) {
        uint64_t bytes = 0;
        if (!error)
            error = kpu_disk_size(journal->fds[slot], &bytes);
        if (!error && bytes > RECORD_AT)
            error = kpu_disk_truncate(journal->fds[slot], RECORD_AT);
        if (!error && bytes > RECORD_AT)
            error = kpu_disk_sync(journal->fds[slot]);
    }
    return error;
}

void kpu_journal_remove(kpu_journal *journal)
{
    for (int slot = KPU_JOURNAL_SLOTS - 1; slot >= 0; slot--) /* the lock goes last */
        if (journal->paths[slot])
            kpu_disk_remove(journal->paths[slot]);
    kpu_journal_close(journal);
}

bool kpu_journal_is_there(const kpu_journal *journal)
{
    return kpu_disk_is_at(journal->fds[0], journal->paths[0]) &&
           kpu_disk_is_at(journal->fds[1], journal->paths[1]);
}

int kpu_journal_read(kpu_journal *journal, kpu_record *out)
{
    int error = read_latest(journal->fds, out, &journal->latest);
    if (error)
        journal->latest = 1;
    return error;
}

int kpu_journal_write_again(kpu_journal *journal, const kpu_record *record)
{
    int fd = journal->fds[journal->latest];
    int error = kpu_disk_write(fd, RECORD_AT, record->bytes, record->size);
    if (!error)
        error = kpu_disk_sync(fd);
    return error ? error : kpu_disk_sync(journal->fds[1 - journal->latest]);
}

int kpu_journal_write(kpu_journal *journal, kpu_record *record)
{
    kpu_journal_header *header = (kpu_journal_header *)record->bytes;
    int slot = 1 - journal->latest, fd = journal->fds[slot];
    header->magic = magic;
    memset(header->hash, 0, sizeof header->hash);
    hash_of(record, header->hash);
    int error = kpu_disk_write(fd, RECORD_AT, record->bytes, record->size);
    if (!error)
        error = kpu_disk_sync(fd);
    if (!error) {
        journal->latest = slot;
        return 0;
    }
    /* It may or may not be on the disk: either is a state that was to be, but nobody who looks
     * before the next start should take it for certain. */
    const uint64_t none = 0;
    (void)kpu_disk_write(fd, RECORD_AT, &none, sizeof none);
    journal->is_uncertain = true;
    return error;
}

/* ---- For whoever does not write --------------------------------------------------------- */

/* Two records may be written while one is read here: then what was read first is too old. */
static int peek(const int fds[KPU_JOURNAL_SLOTS], kpu_record *out)
{
    const struct timespec pause = {.tv_nsec = 2000000};
    int error = ENODATA;
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        kpu_journal_header before[KPU_JOURNAL_SLOTS] = {0}, after[KPU_JOURNAL_SLOTS] = {0};
        int latest;
        for (int slot = 0; slot < KPU_JOURNAL_SLOTS; slot++)
            if (read_header(fds[slot], &before[slot]) != 0)
                return EIO;
        error = read_latest(fds, out, &latest);
        for (int slot = 0; slot < KPU_JOURNAL_SLOTS; slot++)
            if (read_header(fds[slot], &after[slot]) != 0)
                return EIO;
        bool still = memcmp(before, after, sizeof before) == 0;
        if (still && ((error != ENODATA && error != EUCLEAN) || attempt >= 2))
            return error;
        kpu_record_fini(out);
        nanosleep(&pause, NULL);
    }
    return error ? error : EBUSY;
}

bool kpu_journal_exists(const char *partial)
{
    bool exists = false;
    for (int slot = 0; slot < KPU_JOURNAL_SLOTS; slot++) {
        char *path = slot_path(partial, slot);
        exists = exists || !path || access(path, F_OK) == 0;
        free(path);
    }
    return exists;
}

int kpu_journal_peek(const char *partial, kpu_record *out)
{
    int fds[KPU_JOURNAL_SLOTS] = {-1, -1}, error = 0, missing = 0;
    for (int slot = 0; slot < KPU_JOURNAL_SLOTS && !error; slot++) {
        char *path = slot_path(partial, slot);
        error = path ? kpu_disk_open(path, O_RDONLY, &fds[slot]) : ENOMEM;
        free(path);
        if (error == ENOENT) {
            error = 0;
            missing++;
        }
    }
    if (missing > 0)
        error = missing == KPU_JOURNAL_SLOTS ? ENOENT : ENOTUNIQ;
    if (!error)
        error = peek(fds, out);
    for (int slot = 0; slot < KPU_JOURNAL_SLOTS; slot++)
        if (fds[slot] >= 0)
            close(fds[slot]);
    return error;
}

bool kpu_journal_is_locked(const char *partial, char writer[KPU_JOURNAL_WRITER_BYTES])
{
    int fd = -1;
    char *path = slot_path(partial, 0);
    writer[0] = '\0';
    int error = path ? kpu_disk_open(path, O_RDONLY, &fd) : ENOMEM;
    free(path);
    if (error)
        return false;
    error = kpu_disk_lock(fd, LOCK_SH | LOCK_NB);
    bool locked = error == EWOULDBLOCK || (error == ENOTSUP && find_owner(fd) == OWNER_ALIVE);
    if (locked)
        read_writer(fd, writer);
    close(fd);
    return locked;
}
