/* Rows as they come from the search: to the fronts, to the choice of those to keep, to the files.
 *
 * Rows are appended last of all: if anything before fails, the files still say the same as the
 * numbers that are committed with them. */
#include <stdlib.h>
#include <string.h>

#include "tools/run_place.h"
#include "tools/run_session.h"

static bool make_room(kpu_run_session *s, size_t count)
{
    if (count <= s->row_capacity)
        return true;
    kpu_metric_value *rows = realloc(s->rows, count * s->columns->count * sizeof *rows);
    s->rows = rows ? rows : s->rows;
    bool *chosen = realloc(s->chosen, count * sizeof *chosen);
    s->chosen = chosen ? chosen : s->chosen;
    if (!rows || !chosen)
        return false;
    s->row_capacity = count;
    return true;
}

int kpu_run_offer(kpu_run_session *s, const kpu_row *row, int64_t number, bool *is_kept)
{
    /* Of the fronts too, which are shown, those are kept that the choice would not take. */
    *is_kept = false;
    int status = s->wants_fronts ? kpu_fronts_add(&s->fronts, row, is_kept) : KPU_OK;
    if (status || !s->selection)
        return status;
    bool accepted = false;
    status = kpu_selection_offer(s->selection, row, number, &accepted);
    *is_kept |= accepted;
    return status;
}

/* A search with a memory needs all that it evaluated, to go on. */
static bool logs_all(const kpu_run_session *s)
{
    return !s->selection || kpu_space_search(s->run->space)->search->budget != KPU_SEARCH_REFUSES;
}

/* Which of the rows go to the log, or to OUTPUT. */
static int choose(kpu_run_session *s, const kpu_row *rows, size_t count)
{
    int64_t next = kpu_store_rows(kpu_run_files_first(&s->files));
    const bool all = logs_all(s);
    int status = make_room(s, count) ? KPU_OK : KPU_E_MEMORY;
    for (size_t i = 0; !status && i < count; i++) {
        bool is_kept = false;
        status = kpu_run_offer(s, &rows[i], next, &is_kept);
        s->chosen[i] = all || is_kept;
        next += s->chosen[i];
    }
    return status;
}

static int append_chosen(kpu_run_session *s, const kpu_row *rows, size_t count, kpu_diag *diag)
{
    const double start = kpu_run_cpu_seconds();
    size_t converted = 0;
    for (size_t i = 0; i < count; i++)
        if (s->chosen[i])
            kpu_columns_put_row(s->columns, s->run->space, &rows[i],
                                s->rows + converted++ * s->columns->count);
    int status = KPU_OK;
    if (converted > 0)
        status = kpu_store_append(kpu_run_files_first(&s->files), s->rows, converted, diag);
    s->writing += kpu_run_cpu_seconds() - start;
    return status;
}

/* Rows of fronts that were found at last; the first of them may be there already. Of a search that
 * is being stopped they are not the last ones, and go nowhere. */
static int take_fronts(kpu_run_session *s, const kpu_row *rows, size_t count, kpu_diag *diag)
{
    if (*kpu_run_stop())
        return KPU_OK;
    size_t have = (size_t)s->skipped < count ? (size_t)s->skipped : count;
    int status = make_room(s, count) ? KPU_OK : KPU_E_MEMORY;
    for (size_t i = 0; !status && i < count; i++) {
        if (s->wants_fronts)
            status = kpu_fronts_add(&s->fronts, &rows[i], NULL);
        kpu_columns_put_row(s->columns, s->run->space, &rows[i], s->rows + i * s->columns->count);
    }
    if (status)
        return kpu_diag_add(diag, status, "out of memory");
    s->skipped -= (int64_t)have;
    if (have == count)
        return KPU_OK;
    if (!s->log_is_whole)
        status = kpu_store_commit(s->files.log, diag);
    s->log_is_whole = true;
    if (!status)
        status =
            kpu_store_append(s->files.main, s->rows + have * s->columns->count, count - have, diag);
    return status ? status : kpu_store_commit_if_due(s->files.main, diag);
}

int kpu_run_take_rows(void *context, const kpu_row *rows, size_t count, kpu_diag *diag)
{
    kpu_run_session *s = context;
    if (s->gives_fronts)
        return take_fronts(s, rows, count, diag);
    int status = choose(s, rows, count);
    if (status)
        return kpu_diag_add(diag, status, "out of memory");
    return append_chosen(s, rows, count, diag);
}

int kpu_run_take_noted(void *context, const kpu_row *row, kpu_diag *diag)
{
    kpu_run_session *s = context;
    const kpu_run_files *files = &s->files;
    double start = kpu_run_cpu_seconds();
    if (!make_room(s, 2))
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    kpu_metric_value *all = s->rows, *some = s->rows + s->columns->count;
    kpu_columns_put_row(s->columns, s->run->space, row, all);
    for (size_t i = 0; i < files->log_column_count; i++)
        some[i] = all[files->log_sources[i]];
    int status = kpu_store_append(files->log, some, 1, diag);
    s->writing += kpu_run_cpu_seconds() - start;
    return status;
}

/* ---- From the log ------------------------------------------------------------------------- */

enum { COPIED_AT_ONCE = 256 };

static int copy_some(kpu_run_session *s, kpu_row_reader *log, const int64_t *numbers, size_t count,
                     kpu_diag *diag)
{
    const size_t width = s->columns->count + kpu_place_is_kept(s->run->space, s->run->shard);
    int status = make_room(s, 2 * count) /* one column more may be needed */
                     ? KPU_OK
                     : kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    for (size_t i = 0; !status && i < count; i++) {
        const kpu_metric_value *values;
        status = kpu_row_reader_values(log, numbers[i], &values, diag);
        if (!status)
            kpu_place_put_row(s->run, s->columns, values, numbers[i], s->rows + i * width);
    }
    if (!status)
        status = kpu_store_append(s->files.main, s->rows, count, diag);
    return status ? status : kpu_store_commit_if_due(s->files.main, diag);
}

static int copy_list(kpu_run_session *s, const int64_t *numbers, size_t count, kpu_diag *diag)
{
    kpu_row_reader log;
    const kpu_row_source source = {.space = s->run->space,
                                   .columns = s->columns,
                                   .store = s->files.log,
                                   .store_columns = s->files.log_columns,
                                   .store_column_count = s->files.log_column_count,
                                   .path = s->files.log_partial,
                                   .whole = true};
    int status = kpu_row_reader_init(&log, &source, diag);
    size_t done = (size_t)kpu_store_rows(s->files.main);
    while (!status && done < count) {
        size_t some = count - done < COPIED_AT_ONCE ? count - done : COPIED_AT_ONCE;
        status =
            *kpu_run_stop() ? KPU_E_INTERRUPTED : copy_some(s, &log, numbers + done, some, diag);
        done += some;
    }
    kpu_row_reader_fini(&log);
    return status;
}

int kpu_run_copy_kept(kpu_run_session *s, kpu_diag *diag)
{
    int64_t *numbers = NULL;
    size_t count = 0;
    int status = kpu_store_commit(s->files.log, diag);
    if (!status && kpu_selection_list(s->selection, &numbers, &count))
        status = kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    if (!status)
        status = copy_list(s, numbers, count, diag);
    free(numbers);
    return status;
}
