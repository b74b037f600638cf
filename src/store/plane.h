/* Deflate (RFC 1951) of a shuffled chunk, plane by plane. Most planes, the high bytes of counts and
 * metrics, hold one byte over and over; those are written as the block that they become, the others
 * go through zlib. Pieces end on whole bytes, so that they can be put one after the other. */
#ifndef KPU_STORE_PLANE_H
#define KPU_STORE_PLANE_H

#include <stddef.h>
#include <stdint.h>
#include <zlib.h>

/* Room that a plane may need beyond what zlib says it could become. */
enum { KPU_PLANE_SLACK = 64 };

/* `planes` planes of `bytes` each, one after the other in `data`; the blocks go to out[room].
 * `stream` is raw (negative window bits) and was reset. Returns the bytes written, 0 if it failed.
 */
size_t kpu_plane_deflate(z_stream *stream, const unsigned char *data, size_t planes, size_t bytes,
                         unsigned char *out, size_t room);

/* The checksum of all of it that ends a zlib stream (RFC 1950). */
uint32_t kpu_plane_adler32(const unsigned char *data, size_t planes, size_t bytes);

#endif
