/* eddo: the scratch of a run. */
#include <stdlib.h>
#include <string.h>

#include "simulator/eddo.h"
#include "simulator/eddo_repeat.h"

static int64_t power_of_two(int64_t least, int64_t count)
{
    while (count < least)
        count *= 2;
    return count;
}

/* Records that a ring needs: the tiles in its slots, those whose release is still asked for, and
 * what a walk may be ahead of them, held back by the commands that fit in a queue; only a window of
 * fresh C tiles needs no command to pass. */
static int64_t record_count(const struct eddo *d, int x, int level)
{
    int64_t slots = d->program->window[x][level].slots;
    return power_of_two((x == KPU_C ? 3 : 2) * slots + 2 * d->program->eddo_window + 8, 16);
}

/* Records of one kind only ever lie in a buffer, so that their keys tell whose they are. */
static bool reserve_table(buffer *b, int64_t count, size_t size)
{
    size_t bytes = b->bytes;
    if (!buffer_reserve(b, (size_t)count, size))
        return false;
    if (b->bytes != bytes)
        memset(b->data, 0xff, b->bytes); /* key -1 */
    return true;
}

/* Beyond every key that the last run can have used. */
static int64_t next_base(const struct eddo *d)
{
    int64_t most = 0;
    const walk *walks[] = {&d->dma.walk, &d->bm.walk, &d->stream[KPU_A].walk,
                           &d->stream[KPU_B].walk, &d->stream[KPU_C].walk};
    for (size_t i = 0; i < sizeof walks / sizeof *walks; i++)
        for (int v = 0; v < KPU_OPERANDS * KPU_HOIST_LEVELS; v++)
            if (walks[i]->window[v].next_number > most)
                most = walks[i]->window[v].next_number;
    return d->base + most + 1;
}

static bool reserve_tables(struct eddo *d)
{
    for (int level = 0; level < KPU_HOIST_LEVELS; level++)
        for (int x = 0; x < KPU_OPERANDS; x++) {
            int64_t count = record_count(d, x, level);
            buffer *b = &d->tables[walk_bit(x, level)];
            if (!reserve_table(b, count, x == KPU_C ? sizeof(c_record) : sizeof(tile_record)))
                return false;
            if (x == KPU_C)
                d->c[level] = (c_table){b->data, count - 1, d->base};
            else
                d->tile[x][level] = (tile_table){b->data, count - 1, d->base};
        }
    return true;
}

static char *lay_queue(queue *q, char *next, int64_t window)
{
    size_t n = (size_t)window;
    q->entries = (entry *)(void *)next;
    q->known = (entry **)(void *)(q->entries + n);
    q->wait = (int64_t *)(void *)(q->known + n);
    q->sequence = q->wait + n;
    q->spare = (int32_t *)(void *)(q->sequence + n);
    for (int32_t i = 0; i < window; i++)
        q->spare[i] = i;
    return (char *)(q->spare + n + n % 2); /* aligned for the next */
}

static bool reserve_queues(struct eddo *d)
{
    int64_t window = d->program->eddo_window;
    size_t one = sizeof(entry) + sizeof(entry *) + 2 * sizeof(int64_t) + sizeof(int64_t);
    if (!buffer_reserve(&d->queue_buffer, 2 * (size_t)window, one))
        return false;
    lay_queue(&d->bm, lay_queue(&d->dma, d->queue_buffer.data, window), window);
    return true;
}

/* Of the last d1 steps, or of the runs under way. */
static bool reserve_times(struct eddo *d)
{
    int64_t d1 = d->program->l1_buffers;
    size_t times = (size_t)power_of_two(d1 > EDDO_RUNS ? d1 : EDDO_RUNS, EDDO_RUNS);
    size_t one = KPU_OPERANDS * sizeof(stream_times) + 2 * sizeof(int64_t);
    if (!buffer_reserve(&d->times_buffer, times, one))
        return false;
    d->times_mask = (int64_t)times - 1;
    for (int x = 0; x < KPU_OPERANDS; x++)
        d->times[x] = (stream_times *)d->times_buffer.data + (size_t)x * times;
    d->fab_end = (int64_t *)(d->times[KPU_C] + times);
    d->cout_end = d->fab_end + times;
    for (size_t i = 0; i < 2 * times; i++)
        d->fab_end[i] = -1;
    return true;
}

static void clear(struct eddo *d)
{
    d->base = next_base(d);
    memset((char *)d + offsetof(struct eddo, program), 0,
           sizeof *d - offsetof(struct eddo, program));
    d->program = &d->s->program;
    d->t = &d->s->timing;
    d->c_stationary = d->program->stationary == KPU_C;
    d->crossed = KPU_NEST;
    d->forgotten = -1;
}

int eddo_reserve(struct eddo *d, int64_t stores)
{
    clear(d);
    int64_t records = record_count(d, KPU_C, KPU_HOIST_L3);
    int64_t count = power_of_two(stores > records ? stores : records, 16);
    if (reserve_eddo(d->s) != KPU_OK || !reserve_tables(d) || !reserve_queues(d) ||
        !reserve_times(d) || !reserve_table(&d->stored_buffer, count, sizeof(dram_record)))
        return KPU_E_MEMORY;
    d->stored = d->stored_buffer.data;
    d->stored_mask = count - 1;
    return KPU_OK;
}

void eddo_free(struct eddo *d)
{
    if (!d)
        return;
    eddo_repeats_free(d->repeats);
    for (int i = 0; i < KPU_OPERANDS * KPU_HOIST_LEVELS; i++)
        free(d->tables[i].data);
    free(d->queue_buffer.data);
    free(d->times_buffer.data);
    free(d->stored_buffer.data);
    free(d);
}
