/* Stores that are interrupted: what the tests of that share. */
#ifndef KPU_TEST_DURABLE_FIXTURE_H
#define KPU_TEST_DURABLE_FIXTURE_H

#include "store_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* Each its own, as in_folder() has one text for all. */
static char partial[sizeof path + 16], journal[sizeof partial + 24];

static inline const char *partial_of(const char *name)
{
    snprintf(partial, sizeof partial, "%s.partial", in_folder(name));
    return partial;
}

static inline const char *journal_of(const char *name, int slot)
{
    snprintf(journal, sizeof journal, "%s.journal-%d", partial_of(name), slot);
    return journal;
}

static inline kpu_store *create(const char *name, bool force)
{
    kpu_diag diag = {0};
    kpu_store *store = NULL;
    CU_ASSERT_EQUAL(kpu_store_create(in_folder(name), force, columns, COLUMNS, &store, &diag),
                    KPU_OK);
    expect_quiet(&diag);
    CU_ASSERT_PTR_NOT_NULL_FATAL(store);
    return store;
}

static inline kpu_store *resume(const char *name, int64_t rows)
{
    kpu_diag diag = {0};
    kpu_store *store = NULL;
    CU_ASSERT_EQUAL(kpu_store_resume(in_folder(name), columns, COLUMNS, &store, &diag), KPU_OK);
    expect_quiet(&diag);
    CU_ASSERT_PTR_NOT_NULL_FATAL(store);
    CU_ASSERT_EQUAL(kpu_store_rows(store), rows);
    return store;
}

static inline void append(kpu_store *store, int64_t count)
{
    kpu_diag diag = {0};
    CU_ASSERT_EQUAL(append_rows(store, kpu_store_rows(store), count, &diag), KPU_OK);
    expect_quiet(&diag);
}

static inline void commit(kpu_store *store)
{
    kpu_diag diag = {0};
    kpu_store_set_number(store, "points", kpu_store_rows(store));
    CU_ASSERT_EQUAL(kpu_store_commit(store, &diag), KPU_OK);
    expect_quiet(&diag);
}

static inline void suspend(kpu_store *store)
{
    kpu_diag diag = {0};
    CU_ASSERT_EQUAL(kpu_store_suspend(store, &diag), KPU_OK);
    expect_quiet(&diag);
}

static inline void finish(kpu_store *store)
{
    kpu_diag diag = {0};
    CU_ASSERT_EQUAL(kpu_store_finish(store, &diag), KPU_OK);
    expect_quiet(&diag);
}

static inline kpu_results *open_results(const char *file, int64_t rows)
{
    kpu_diag diag = {0};
    kpu_results *results = NULL;
    CU_ASSERT_EQUAL(kpu_results_open(file, &results, &diag), KPU_OK);
    expect_quiet(&diag);
    CU_ASSERT_PTR_NOT_NULL_FATAL(results);
    expect_rows(results, rows);
    return results;
}

static inline void expect_finished(const char *name, int64_t rows)
{
    kpu_results *results = open_results(in_folder(name), rows);
    int64_t number;
    CU_ASSERT_TRUE(kpu_results_complete(results));
    CU_ASSERT_FALSE(kpu_results_number(results, "points", &number));
    kpu_results_close(results);
    CU_ASSERT_EQUAL(count_files(), 1);
}

static inline void expect_state(const char *name, bool is_finished, int64_t partial_rows,
                                bool is_written)
{
    kpu_store_state state;
    kpu_store_probe(in_folder(name), &state);
    CU_ASSERT_EQUAL(state.is_finished, is_finished);
    CU_ASSERT_EQUAL(state.is_partial, partial_rows >= 0);
    CU_ASSERT_EQUAL(state.rows, partial_rows >= 0 ? partial_rows : 0);
    CU_ASSERT_EQUAL(state.is_written, is_written);
    CU_ASSERT_EQUAL(state.writer[0] != '\0', is_written);
}

/* In a child that then dies as by SIGKILL. */
static inline void in_child_that_is_killed(void (*run)(void))
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        run();
        kill(getpid(), SIGKILL);
    }
    CU_ASSERT_EQUAL(waitpid(child, NULL, 0), child);
}

static inline void expect_refusal(const char *name, bool force, const char *complaint)
{
    kpu_diag diag = {0};
    kpu_store *store = NULL;
    CU_ASSERT_EQUAL(kpu_store_create(in_folder(name), force, columns, COLUMNS, &store, &diag),
                    KPU_E_INPUT);
    CU_ASSERT_PTR_NULL(store);
    expect_complaint(&diag, complaint);
}

#endif
