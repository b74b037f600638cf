/* The two files beside FILE.partial: what the last commits put in place of committed parts of it,
 * and who writes (docs/durability.md). A record goes to the file that does not hold the latest one,
 * so that there is a whole one at any instant. */
#ifndef KPU_STORE_JOURNAL_H
#define KPU_STORE_JOURNAL_H

#include "kpu/store.h"
#include "store/overlay.h"

enum { KPU_JOURNAL_SLOTS = 2, KPU_JOURNAL_NAME_BYTES = 24, KPU_JOURNAL_WRITER_BYTES = 256 };

typedef struct kpu_journal_number {
    char name[KPU_JOURNAL_NAME_BYTES]; /* "": none */
    int64_t value;
} kpu_journal_number;

/* What a commit says; all in the byte order of the machine. */
typedef struct kpu_journal_header {
    uint64_t magic;
    char hash[40];        /* of all that follows, blocks included */
    uint64_t generation;  /* from 1 */
    uint64_t length;      /* of the file */
    uint64_t guarded;     /* the file has nothing in use from here on */
    uint64_t block_count; /* what stands below `guarded` and is not in the file */
    int64_t rows;
    uint64_t may_replace; /* 1: a file of the final name */
    uint64_t byte_count;  /* of kpu_store_set_bytes */
    kpu_journal_number numbers[KPU_STORE_NUMBERS];
} kpu_journal_header;

/* A header, the numbers of the blocks in ascending order, their content, the caller's bytes. Zeroed
 * memory is a valid empty one. */
typedef struct kpu_record {
    unsigned char *bytes;
    size_t size, capacity;
} kpu_record;

void kpu_record_fini(kpu_record *record);
/* False: out of memory. The hash is set by kpu_journal_write. */
bool kpu_record_make(kpu_record *record, const kpu_journal_header *header,
                     const kpu_overlay *overlay, const void *bytes);
const void *kpu_record_bytes(const kpu_record *record); /* byte_count */
const kpu_journal_header *kpu_record_header(const kpu_record *record);
bool kpu_journal_number_find(const kpu_journal_number *numbers, const char *name, int64_t *out);
/* Its blocks into an empty overlay; false: out of memory. */
bool kpu_record_load(const kpu_record *record, kpu_overlay *out);
/* Its blocks into the file, which HDF5 refuses to open until all are there; an errno. */
int kpu_record_apply(const kpu_record *record, int fd);

typedef struct kpu_journal {
    char *paths[KPU_JOURNAL_SLOTS];
    int fds[KPU_JOURNAL_SLOTS];
    int latest;                     /* the file with the latest record */
    bool is_new[KPU_JOURNAL_SLOTS]; /* there was no such file */
    bool is_uncertain;              /* a record was written that may or may not be found later */
    char
        writer[KPU_JOURNAL_WRITER_BYTES]; /* what the first one says of this process; "": nothing */
} kpu_journal;

/* Makes the files if there are none, and takes the lock that says who writes, or EWOULDBLOCK with
 * `writer` set. An errno. */
int kpu_journal_open(const char *partial, kpu_journal *out, char writer[KPU_JOURNAL_WRITER_BYTES]);
void kpu_journal_close(kpu_journal *journal);  /* gives the lock back; takes a zeroed one */
void kpu_journal_leave(kpu_journal *journal);  /* strikes out the writer; and close */
void kpu_journal_undo(kpu_journal *journal);   /* removes the files that were made; and leave */
int kpu_journal_clear(kpu_journal *journal);   /* no record of before is left, on the disk too */
void kpu_journal_remove(kpu_journal *journal); /* the files; and close */
/* Whether the files are still where they were made. */
bool kpu_journal_is_there(const kpu_journal *journal);
/* Shows that this process lives, to who watches the files from another host. */
void kpu_journal_beat(kpu_journal *journal);
/* Whether another process has put its name there, as it may where locks do not keep it from that,
 * and which. */
bool kpu_journal_is_taken(const kpu_journal *journal, char writer[KPU_JOURNAL_WRITER_BYTES]);
/* The latest record; ENODATA: there was none yet; EUCLEAN: there was, but none is whole. */
int kpu_journal_read(kpu_journal *journal, kpu_record *out);
/* Writes it in the other file, on the disk. */
int kpu_journal_write(kpu_journal *journal, kpu_record *record);
/* Writes the latest record, unchanged, in its place: whoever wrote it may have seen that fail. A
 * later one that he struck out for that reason stays struck out, on the disk too. */
int kpu_journal_write_again(kpu_journal *journal, const kpu_record *record);

bool kpu_journal_exists(const char *partial);
/* For whoever does not write; as kpu_journal_read, and ENOENT: there are no such files; ENOTUNIQ:
 * one of them is missing. The record is one that was the latest at an instant during the call. */
int kpu_journal_peek(const char *partial, kpu_record *out);
/* Whether a living process writes, and who. */
bool kpu_journal_is_locked(const char *partial, char writer[KPU_JOURNAL_WRITER_BYTES]);

#endif
