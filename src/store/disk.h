/* The calls to the operating system on which durability rests. Each is made again when a signal
 * came in between, and to the end when only a part was done; a result is 0 or an errno. */
#ifndef KPU_STORE_DISK_H
#define KPU_STORE_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* flags: of open(2); the file is closed on exec, and gets the usual mode if it is created. What is
 * to be written is no symbolic link (ELOOP): that may lead anywhere. What is neither a file nor a
 * folder (ESPIPE) is not waited for. */
int kpu_disk_open(const char *path, int flags, int *fd);
/* What was never written, or stands past the end, reads as zeros. */
int kpu_disk_read(int fd, uint64_t offset, void *out, size_t size);
int kpu_disk_write(int fd, uint64_t offset, const void *data, size_t size);
int kpu_disk_truncate(int fd, uint64_t size);
int kpu_disk_size(int fd, uint64_t *size);
/* Content and length are on the disk. After a failure nothing may be believed that was written
 * since the last success: systems forget what they could not write, and succeed the next time. */
int kpu_disk_sync(int fd);
/* The names in the folder of `path` are on the disk. */
int kpu_disk_sync_folder(const char *path);
/* flock(2), LOCK_NB included. EWOULDBLOCK: another has it. ENOTSUP: the file system has no locks,
 * whatever it calls that. */
int kpu_disk_lock(int fd, int operation);
/* The same, tried for `seconds`. */
int kpu_disk_lock_patiently(int fd, int operation, double seconds);
/* Whether the file of this name is the one that is open. */
bool kpu_disk_is_at(int fd, const char *path);
/* Gives the file its new name. Without `replace`: EEXIST if there is one of that name. */
int kpu_disk_move(const char *from, const char *to, bool replace);
int kpu_disk_remove(const char *path); /* 0 too if there is none */
/* The whole content of one file to an empty one. */
int kpu_disk_copy(int from, int to);
double kpu_disk_seconds(void); /* of a clock that never jumps */

#endif
