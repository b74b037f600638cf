/* fault.h - a library that is preloaded into a program under test and stands between it and the
 * system: it counts the calls that concern the program's output, lets the n-th fail, do half of its
 * work, or kill the process, and writes down what happened. Told by the environment:
 *
 *   KPU_FAULT_PREFIX  absolute; files whose path begins so concern us, and the folder of them
 *   KPU_FAULT         N:KIND[:stays]; KIND: ENOSPC EDQUOT EIO EROFS EINTR ENOLCK short kill-before
 *                     kill-half kill-after, in the first call from the N-th on in which it can
 *                     happen. stays: every later call that can fail so does, too (a write that is
 *                     the first does half of its work)
 *   KPU_FAULT_LOG     a line a call
 *   KPU_FAULT_TRACE   all that changed the files, with data (see power_cut.py)
 *   KPU_FAULT_SPEED   CLOCK_MONOTONIC runs by so many seconds more for each second that the process
 *                     works, so it does not matter how much of the machine others have
 *   KPU_FAULT_JUMP    the time of day jumps back and forth by up to twice so many hours
 *
 * All of its state belongs to the process, so it is the one place with variables of file scope. */
#ifndef KPU_TESTS_FAULT_H
#define KPU_TESTS_FAULT_H

#include <stdbool.h>
#include <sys/types.h>

typedef enum fault_op {
    FAULT_OPEN,   /* of a file that is there, for reading */
    FAULT_MODIFY, /* ... for writing */
    FAULT_CREATE,
    FAULT_CLOSE,
    FAULT_READ,
    FAULT_WRITE,
    FAULT_TRUNCATE,
    FAULT_ALLOCATE,
    FAULT_SYNC, /* fsync, fdatasync */
    FAULT_SYNC_RANGE,
    FAULT_RENAME,
    FAULT_LINK,
    FAULT_UNLINK,
    FAULT_MKDIR,
    FAULT_FLOCK,
    FAULT_OPS
} fault_op;

typedef struct fault_call {
    fault_op op;
    int fd;                   /* -1: none (yet) */
    const char *path, *path2; /* absolute; of the call, or of the descriptor */
    off_t offset;
    size_t size; /* bytes to be written or read; begin may make it less */
    const void *data;
    long number;          /* of the call, from 1 */
    unsigned faults;      /* what can go wrong in it */
    bool is_first, kills; /* where it does; after it */
} fault_call;

enum { FAULT_PATH = 4096 };

/* Whether a path, relative to folder `at` (AT_FDCWD, or a descriptor), concerns us; its absolute
 * form. */
bool fault_matches(int at, const char *path, char absolute[FAULT_PATH]);
/* Whether a descriptor does. */
bool fault_knows(int fd);
/* It is another file's now, or nobody's. */
void fault_forget(int fd);
/* It is one more of the file of `fd`. */
void fault_share(int fd, int copy);
/* Locks. False: the call is to fail; errno is set, and nothing is locked any more. */
bool fault_begin(fault_call *call);
/* Returns `result`, errno as it was; or does not return. */
long fault_end(fault_call *call, long result);

#endif
