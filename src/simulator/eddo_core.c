/* eddo: the in-order part. A command here starts as soon as all that it waits for is known to have
 * started; its times may lie in the future of the queues, never in their past. Each actor runs as
 * far as it can and says who may be able to go on because of that; in which order they get to run
 * makes no difference. */
#include "simulator/eddo.h"

static void settle(struct eddo *d, actor *a, int x);

static void next_sweep(actor *a)
{
    a->iteration = 0;
    again_forget(&a->again);
    a->finished = !walk_advance(&a->walk);
}

static void next_iteration(actor *a)
{
    if (++a->iteration == a->walk.trips[WALK_LAST])
        next_sweep(a);
}

/* Behind this command of the actor: to its next step, or run. */
static void pass_command(struct eddo *d, actor *a, int x, bool by_run)
{
    a->done++;
    if (by_run)
        next_sweep(a);
    else
        next_iteration(a);
    settle(d, a, x);
}

/* Finds the L2 tile of the actor's next command. */
static void settle(struct eddo *d, actor *a, int x)
{
    bool first;
    if (x == d->program->stationary)
        while (!a->finished && !(a == &d->cout ? a->walk.run_ends : a->walk.run_begins)) {
            walk_window *v = walk_of(&a->walk, x, KPU_HOIST_L2);
            walk_tile_number(v, 0, &first);
            next_sweep(a);
        }
    if (!a->finished)
        a->number = walk_tile_number(walk_of(&a->walk, x, KPU_HOIST_L2), a->iteration, &first);
}

static unsigned actor_edges(const actor *a)
{
    return a->iteration == a->walk.trips[WALK_LAST] - 1 ? a->walk.last_edges : a->walk.edges;
}

/* At its present iteration C starts from zero. */
static bool actor_fresh(const actor *a)
{
    if (a->walk.program->loop_dim[WALK_LAST] == KPU_K && a->iteration)
        return false;
    return !walk_k_started(&a->walk);
}

static int64_t register_release(const struct eddo *d, int64_t run)
{
    int64_t previous = run - (d->program->double_buffered ? 2 : 1);
    if (previous < 0)
        return -1;
    return previous < d->runs_released ? d->registers[previous & (EDDO_RUNS - 1)] : EDDO_UNKNOWN;
}

static int64_t accumulator_release(const struct eddo *d, int64_t step)
{
    int64_t previous = step - d->program->l1_buffers;
    if (previous < 0)
        return -1;
    return previous < d->cout.done ? d->cout_end[previous & d->times_mask] : EDDO_UNKNOWN;
}

static int64_t l1_release(const struct eddo *d, int64_t step)
{
    int64_t previous = step - d->program->l1_buffers;
    if (previous < 0)
        return -1;
    return previous < d->fabric.done ? d->fab_end[previous & d->times_mask] : EDDO_UNKNOWN;
}

static stream_times *times_of(struct eddo *d, int x, int64_t n)
{
    return &d->times[x][n & d->times_mask];
}

static int64_t stream(struct eddo *d, int x, const start_wait *w, unsigned edges)
{
    stream_times *out = times_of(d, x, d->stream[x].done);
    engine *e = &d->stream_engine[x];
    int64_t start = start_command(e, w, &out->cause);
    int64_t end = occupy(e, start, d->t->in[x].str[edges]);
    out->first = start + d->t->str_latency;
    out->ready = end + d->t->str_latency;
    d->s->tally.stream_in[x][edges]++;
    return end;
}

static bool tile_is_ready(const tile_table *table, const tile_record *r, int64_t number)
{
    return r->key == number + table->base && r->ready != EDDO_UNKNOWN;
}

static unsigned run_stream_ab(struct eddo *d, int x)
{
    actor *a = &d->stream[x];
    bool stationary = x == d->program->stationary;
    unsigned due = 0;
    again_for what = {x, d->program->window[x][KPU_HOIST_L2].hoist,
                      stationary ? KPU_NEST : WALK_EVERY_STEP};
    const tile_table *table = &d->tile[x][KPU_HOIST_L2];
    while (!a->finished) {
        tile_record *from = tile_at(table, a->number);
        int64_t release = stationary ? register_release(d, a->done) : l1_release(d, a->done);
        if (release == EDDO_UNKNOWN || !tile_is_ready(table, from, a->number))
            break;
        start_wait w = {release, from->ready,
                        stationary ? KPU_STALL_REGISTER_SLOTS : KPU_STALL_L1_SLOTS, from->cause,
                        KPU_STALL_L2_BANDWIDTH};
        from->release = stream(d, x, &w, actor_edges(a));
        from->closed = !taken_again(&a->again, &a->walk, a->iteration, what);
        if (from->closed)
            eddo_wake(d, &from->waiters);
        pass_command(d, a, x, stationary);
        due = 1u << CORE_FABRIC;
    }
    return due;
}

static unsigned run_stream_c(struct eddo *d)
{
    actor *a = &d->stream[KPU_C];
    unsigned due = 0;
    while (!a->finished) {
        unsigned edges = actor_edges(a);
        bool fresh = actor_fresh(a);
        c_record *from = c_touch(&d->c[KPU_HOIST_L2], a->number, edges, fresh);
        int64_t release =
            d->c_stationary ? register_release(d, a->done) : accumulator_release(d, a->done);
        if (release == EDDO_UNKNOWN) /* a fresh C waits too, so that no actor runs far ahead */
            break;
        if (fresh) {
            *times_of(d, KPU_C, a->done) = (stream_times){-1, -1, KPU_STALL_LATENCY};
        } else {
            if (from->ready == EDDO_UNKNOWN || from->written != from->queued)
                break;
            start_wait w = {release, from->ready,
                            d->c_stationary ? KPU_STALL_REGISTER_SLOTS : KPU_STALL_L1_SLOTS,
                            from->cause, KPU_STALL_L2_BANDWIDTH};
            stream(d, KPU_C, &w, edges);
        }
        from->queued++;
        pass_command(d, a, KPU_C, d->c_stationary);
        due = 1u << CORE_FABRIC;
    }
    return due;
}

/* Whether all streams of this step have started, and what FAB sees of them. */
static bool gather_inputs(struct eddo *d, bool run_begins, fab_inputs *in)
{
    int64_t step = d->fabric.done;
    *in = (fab_inputs){.first = {-1, -1, -1},
                       .ready = {-1, -1, -1},
                       .stationary_ready = -1,
                       .accumulators = -1,
                       .registers = -1};
    for (int x = 0; x < KPU_OPERANDS; x++) {
        bool stationary = x == d->program->stationary;
        int64_t n = stationary ? d->fabric_run : step;
        if (stationary && !run_begins)
            continue;
        if (d->stream[x].done <= n)
            return false;
        const stream_times *times = times_of(d, x, n);
        if (x == KPU_C && actor_fresh(&d->fabric)) {
            in->registers = stationary ? register_release(d, n) : -1;
            in->accumulators = stationary ? -1 : accumulator_release(d, n);
        } else if (stationary) {
            in->stationary_ready = times->ready;
            in->stationary_cause = times->cause;
        } else {
            in->first[x] = times->first;
            in->ready[x] = times->ready;
            in->cause[x] = times->cause;
        }
    }
    return in->registers != EDDO_UNKNOWN && in->accumulators != EDDO_UNKNOWN;
}

/* To the fabric's next step; notes the outermost loop that advanced. */
static void pass_fab(struct eddo *d, actor *a)
{
    int advanced = WALK_LAST;
    a->done++;
    if (++a->iteration == a->walk.trips[WALK_LAST]) {
        next_sweep(a);
        advanced = a->finished ? KPU_NEST : a->walk.changed;
    }
    d->crossed = advanced < d->crossed ? advanced : d->crossed;
}

static unsigned run_fabric(struct eddo *d)
{
    actor *a = &d->fabric;
    unsigned due = 0;
    while (!a->finished) {
        fab_inputs in;
        bool last = a->iteration == a->walk.trips[WALK_LAST] - 1;
        if (!gather_inputs(d, a->iteration == 0 && a->walk.run_begins, &in))
            break;
        unsigned edges = actor_edges(a);
        int64_t start;
        int64_t end = fab_run(&d->s->tally, d->program->stationary, d->fabric_free,
                              d->t->compute[edges], &in, &start);
        d->fabric_free = d->fab_end[a->done & d->times_mask] = end;
        d->s->tally.fab[edges]++;
        d->s->steps_walked++;
        due |= 1u << CORE_A | 1u << CORE_B | (unsigned)!d->c_stationary << CORE_COUT;
        if (last && a->walk.run_ends) {
            d->run_end[d->fabric_run & (EDDO_RUNS - 1)] = end;
            if (!d->c_stationary)
                d->registers[d->runs_released++ & (EDDO_RUNS - 1)] = end;
            d->fabric_run++;
            due |= 1u << CORE_COUT;
        }
        pass_fab(d, a);
    }
    return due;
}

static void write_out(struct eddo *d, actor *a, c_record *into, const start_wait *w)
{
    unsigned edges = actor_edges(a);
    bool final = walk_k_finished(&a->walk);
    int cause;
    int64_t start = start_command(&d->cout_engine, w, &cause);
    int64_t end = occupy(&d->cout_engine, start, d->t->out[final].str[edges]);
    into->ready = end + d->t->str_latency;
    into->cause = (uint8_t)cause;
    into->final = final;
    into->unwritten = 0;
    into->written++;
    again_for what = {KPU_C, d->program->window[KPU_C][KPU_HOIST_L2].hoist,
                      d->c_stationary ? KPU_NEST : WALK_EVERY_STEP};
    into->closed = !taken_again(&a->again, &a->walk, a->iteration, what);
    if (into->closed)
        eddo_wake(d, &into->waiters);
    d->s->tally.stream_out[final][edges]++;
    if (d->c_stationary)
        d->registers[d->runs_released++ & (EDDO_RUNS - 1)] = end;
    else
        d->cout_end[a->done & d->times_mask] = end;
}

static unsigned run_stream_out(struct eddo *d)
{
    actor *a = &d->cout;
    unsigned due = 0;
    while (!a->finished) {
        bool known = d->c_stationary ? a->done < d->fabric_run : a->done < d->fabric.done;
        if (!known)
            break;
        if (d->c_stationary) /* the run's last step */
            a->iteration = a->walk.trips[WALK_LAST] - 1;
        c_record *into = c_at(&d->c[KPU_HOIST_L2], a->number);
        int64_t release = into->unwritten ? c_slot_release(d, KPU_HOIST_L2, a->number) : -1;
        if (release == EDDO_UNKNOWN)
            break;
        int64_t result = d->c_stationary ? d->run_end[a->done & (EDDO_RUNS - 1)]
                                         : d->fab_end[a->done & d->times_mask];
        start_wait w = {release, result + d->t->skew, KPU_STALL_L2_SLOTS, KPU_STALL_LATENCY,
                        KPU_STALL_L2_BANDWIDTH};
        write_out(d, a, into, &w);
        pass_command(d, a, KPU_C, d->c_stationary);
        due = 1u << CORE_C | 1u << CORE_FABRIC;
    }
    return due;
}

static bool is_due(unsigned *due, int who)
{
    bool is = *due >> who & 1;
    *due &= ~(1u << who);
    return is;
}

void eddo_core_run(struct eddo *d, unsigned due)
{
    while (due) {
        if (is_due(&due, CORE_A))
            due |= run_stream_ab(d, KPU_A);
        if (is_due(&due, CORE_B))
            due |= run_stream_ab(d, KPU_B);
        if (is_due(&due, CORE_C))
            due |= run_stream_c(d);
        if (is_due(&due, CORE_FABRIC))
            due |= run_fabric(d);
        if (is_due(&due, CORE_COUT))
            due |= run_stream_out(d);
    }
}

void eddo_core_start(struct eddo *d)
{
    actor *actors[] = {&d->stream[KPU_A], &d->stream[KPU_B], &d->stream[KPU_C], &d->cout};
    const int operand[] = {KPU_A, KPU_B, KPU_C, KPU_C};
    for (int i = 0; i < 4; i++) {
        walk_start(&actors[i]->walk, d->program, 1u << walk_bit(operand[i], KPU_HOIST_L2));
        settle(d, actors[i], operand[i]);
    }
    walk_start(&d->fabric.walk, d->program, 0);
    eddo_core_run(d, 1u << CORE_C);
}
