#include "simulator/eddo_moments.h"

#include <stdlib.h>
#include <string.h>

/* Arrays of 64 bits first, the kinds of places last. */
static size_t moment_bytes(const moment *m, size_t words, size_t places, size_t engines)
{
    size_t kinds = (places * sizeof *m->shape.kind + 7) / 8 * 8;
    return (words + places) * sizeof(int64_t) + engines * sizeof(engine) +
           (size_t)m->unsettled_count * sizeof(dram_record) + kinds;
}

static void lay_out(moment *m, char *at, size_t words, size_t places, size_t engines)
{
    m->shape.word = (int64_t *)(void *)at;
    m->shape.place = m->shape.word + words;
    m->engines = (engine *)(void *)(m->shape.place + places);
    m->unsettled = (dram_record *)(void *)(m->engines + engines);
    m->shape.kind = (uint16_t *)(void *)(m->unsettled + m->unsettled_count);
}

bool moments_start(moments *m, const struct eddo *d)
{
    m->room = shape_room_of(d);
    m->engines = (size_t)(d->dma.engine_count + d->bm.engine_count);
    m->draft.unsettled_count = UNSETTLED_MOST;
    size_t bytes = moment_bytes(&m->draft, m->room.words, m->room.places, m->engines);
    if (bytes > MOMENTS_BYTES || !buffer_reserve(&m->draft_buffer, bytes, 1) ||
        !buffer_reserve(&m->kept_buffer, MOMENTS_BYTES, 1))
        return false;
    lay_out(&m->draft, m->draft_buffer.data, m->room.words, m->room.places, m->engines);
    m->next = m->next > 0 ? m->next : 1;
    m->oldest = m->next;
    m->head = 0;
    return true;
}

void moments_free(moments *m)
{
    free(m->draft_buffer.data);
    free(m->kept_buffer.data);
}

static uint64_t hash_words(const int64_t *word, size_t count)
{
    uint64_t hash[2] = {count, 1};
    for (size_t i = 0; i + 1 < count; i += 2) {
        hash[0] = (hash[0] ^ (uint64_t)word[i]) * UINT64_C(0x9E3779B97F4A7C15);
        hash[1] = (hash[1] ^ (uint64_t)word[i + 1]) * UINT64_C(0xD1B54A32D192ED03);
        hash[0] ^= hash[0] >> 32;
        hash[1] ^= hash[1] >> 32;
    }
    hash[0] += hash[1] * 3 + (count % 2 ? (uint64_t)word[count - 1] : 0);
    return hash[0] ^ hash[0] >> 29;
}

static void take_unsettled(moment *out, const struct eddo *d)
{
    out->unsettled_count = d->newest_stored + 1 - d->settled;
    for (int64_t i = 0; i < out->unsettled_count; i++)
        out->unsettled[i] = d->stored[(d->settled + i) & d->stored_mask];
}

void moments_note(moments *m, const struct eddo *d)
{
    moment *out = &m->draft;
    memcpy(out->engines, d->s->dma, m->engines * sizeof(engine)); /* the block movers follow */
    out->tally = d->s->tally;
    out->near_fetches = d->near_fetches;
    take_unsettled(out, d);
}

bool moments_take(moments *m, struct eddo *d)
{
    moment *out = &m->draft;
    if (d->newest_stored + 1 - d->settled > UNSETTLED_MOST || !shape_take(d, &m->room, &out->shape))
        return false;
    out->hash = hash_words(out->shape.word, out->shape.words);
    out->serial = out->next = 0;
    moments_note(m, d);
    return true;
}

static void copy_arrays(const moments *m, const moment *from, moment *to)
{
    memcpy(to->shape.word, from->shape.word, from->shape.words * sizeof *from->shape.word);
    memcpy(to->shape.place, from->shape.place, from->shape.places * sizeof *from->shape.place);
    memcpy(to->shape.kind, from->shape.kind, from->shape.places * sizeof *from->shape.kind);
    memcpy(to->engines, from->engines, m->engines * sizeof *from->engines);
    memcpy(to->unsettled, from->unsettled, (size_t)from->unsettled_count * sizeof *from->unsettled);
}

void moments_redraft(moments *m, const moment *kept)
{
    moment *out = &m->draft, arrays = m->draft;
    *out = *kept;
    out->shape.word = arrays.shape.word;
    out->shape.place = arrays.shape.place;
    out->shape.kind = arrays.shape.kind;
    out->engines = arrays.engines;
    out->unsettled = arrays.unsettled;
    out->serial = out->next = 0;
    copy_arrays(m, kept, out);
}

const moment *moments_get(const moments *m, int64_t serial)
{
    return serial >= m->oldest && serial < m->next ? &m->kept[serial % MOMENTS] : NULL;
}

const moment *moments_older(const moments *m, const moment *than)
{
    return moments_get(m, than->like);
}

/* Room for arrays of that size; the oldest ones give way. They lie behind the head, in order. */
static char *make_room(moments *m, size_t bytes)
{
    if (m->head + bytes > MOMENTS_BYTES) {
        while (m->oldest < m->next && m->kept[m->oldest % MOMENTS].offset >= m->head)
            m->oldest++;
        m->head = 0;
    }
    while (m->oldest < m->next) {
        const moment *old = &m->kept[m->oldest % MOMENTS];
        bool apart = old->offset >= m->head + bytes || old->offset + old->bytes <= m->head;
        if (apart && m->next - m->oldest < MOMENTS)
            break;
        m->oldest++;
    }
    return (char *)m->kept_buffer.data + m->head;
}

int64_t moments_keep(moments *m, int64_t from)
{
    const moment *draft = &m->draft;
    size_t words = draft->shape.words, places = draft->shape.places;
    size_t bytes = moment_bytes(draft, words, places, m->engines);
    char *at = make_room(m, bytes);
    moment *out = &m->kept[m->next % MOMENTS];
    *out = *draft;
    lay_out(out, at, words, places, m->engines);
    copy_arrays(m, draft, out);
    out->offset = m->head;
    out->bytes = bytes;
    out->serial = m->next++;
    m->head += bytes;
    int64_t *bucket = &m->bucket[draft->hash % MOMENT_BUCKETS];
    out->like = *bucket;
    *bucket = out->serial;
    if (moments_get(m, from))
        m->kept[from % MOMENTS].next = out->serial;
    return out->serial;
}
