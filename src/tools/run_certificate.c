/* run --certificate. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/output.h"
#include "tools/run_files.h"

/* What a path is remembered by; relative to the folder in which the results are, it stays the same
 * as long as these do. */
static int64_t hash_path(const char *path)
{
    char digits[33];
    kpu_hash_hex(path, strlen(path), digits);
    digits[15] = '\0';
    return (int64_t)strtoull(digits, NULL, 16);
}

/* This run gave it its name, and was killed before the results got theirs. */
static bool is_ours(const kpu_run_files *files, const char *certificate)
{
    kpu_results *results;
    int64_t hash;
    if (files->step != KPU_RUN_RESUMES ||
        kpu_results_open(files->partial, &results, NULL) != KPU_OK)
        return false;
    bool is_known = kpu_results_number(results, KPU_RUN_CERTIFICATE, &hash);
    kpu_results_close(results);
    return is_known && hash == hash_path(certificate);
}

/* --force is for old certificates: it replaces nothing else. */
static int check_replaced(const char *path, kpu_diag *diag)
{
    static const char head[] = "kpu-dse-certificate ";
    const kpu_place place = {.file = path};
    struct stat status;
    char found[sizeof head - 1];
    size_t got = 0;
    kpu_gzip_reader *reader = NULL;
    if (stat(path, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size == 0)
        return KPU_OK; /* creating the file says what is wrong with it */
    if (kpu_gzip_reader_open(path, &reader, NULL) == KPU_OK)
        kpu_gzip_reader_read(reader, found, sizeof found, &got, NULL);
    kpu_gzip_reader_close(reader);
    if (got == sizeof found && memcmp(found, head, got) == 0)
        return KPU_OK;
    return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                           "is no certificate; --force replaces nothing else");
}

/* No file of the run, nor of another one, is written over. */
static int check_names(const kpu_run *run, kpu_diag *diag)
{
    const kpu_place place = {.file = run->certificate};
    const kpu_tool_file files[] = {{"--certificate", run->certificate, true},
                                   {"the results file", run->output, true}};
    kpu_store_state state;
    int status = kpu_tool_check_files(files, sizeof files / sizeof *files, diag);
    if (!status)
        status = kpu_run_check_name(run->certificate, diag);
    kpu_store_probe(run->certificate, &state);
    if (!status && (state.is_partial || state.is_written))
        status = kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                                 "is the name of results that are not finished; choose another "
                                 "with --certificate");
    return status;
}

int kpu_run_open_certificate(const kpu_run_files *files, kpu_run_certificate *out, kpu_diag *diag)
{
    const kpu_run *run = files->run;
    *out = (kpu_run_certificate){.path = run->certificate};
    if (!run->certificate)
        return KPU_OK;
    int status = check_names(run, diag);
    bool may_replace = run->force || (!status && is_ours(files, run->certificate));
    if (!status && may_replace)
        status = check_replaced(run->certificate, diag);
    return status ? status
                  : kpu_gzip_writer_open(run->certificate, "certificate", may_replace, &out->writer,
                                         diag);
}

int kpu_run_take_certificate(void *context, const char *text, size_t bytes, kpu_diag *diag)
{
    kpu_run_certificate *certificate = context;
    certificate->has_come = true;
    return *kpu_run_stop() ? KPU_E_INTERRUPTED
                           : kpu_gzip_writer_write(certificate->writer, text, bytes, diag);
}

int kpu_run_finish_certificate(kpu_run_certificate *certificate, kpu_store *store, kpu_diag *diag)
{
    kpu_gzip_writer *writer = certificate->writer;
    if (!writer || !certificate->has_come)
        return KPU_OK;
    kpu_store_set_number(store, KPU_RUN_CERTIFICATE, hash_path(certificate->path));
    int status = kpu_store_commit(store, diag);
    if (status)
        return status;
    certificate->writer = NULL;
    return kpu_gzip_writer_finish(writer, diag);
}

int kpu_run_miss_certificate(const kpu_run_certificate *certificate, kpu_diag *diag)
{
    const kpu_place place = {.file = certificate->path};
    if (!certificate->writer)
        return KPU_OK;
    return kpu_diag_add_at(diag, KPU_E_REFUTED, &place,
                           "not written: the budget was spent before the fronts were complete; "
                           "the results are there");
}

void kpu_run_drop_certificate(kpu_run_certificate *certificate)
{
    kpu_gzip_writer_discard(certificate->writer);
    certificate->writer = NULL;
}
