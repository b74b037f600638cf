/* run --certificate. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/run.h"

/* --force is for old certificates: it replaces nothing else. */
static int check_replaced(const kpu_run *run, kpu_diag *diag)
{
    static const char head[] = "kpu-dse-certificate ";
    const kpu_place place = {.file = run->certificate};
    struct stat status;
    char found[sizeof head - 1];
    size_t got = 0;
    kpu_gzip_reader *reader = NULL;
    if (strcmp(run->certificate, run->output) == 0)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place, "is the results file already");
    if (!run->force || stat(run->certificate, &status) != 0 || !S_ISREG(status.st_mode) ||
        status.st_size == 0)
        return KPU_OK; /* creating the file says what is wrong with it */
    if (kpu_gzip_reader_open(run->certificate, &reader, NULL) == KPU_OK)
        kpu_gzip_reader_read(reader, found, sizeof found, &got, NULL);
    kpu_gzip_reader_close(reader);
    if (got == sizeof found && memcmp(found, head, got) == 0)
        return KPU_OK;
    return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                           "is no certificate; --force replaces nothing else");
}

int kpu_run_open_certificate(const kpu_run *run, kpu_run_certificate *out, kpu_diag *diag)
{
    const kpu_search *search = kpu_space_search(run->space)->search;
    *out = (kpu_run_certificate){.path = run->certificate};
    if (!run->certificate)
        return KPU_OK;
    if (search->certificate == KPU_SEARCH_REFUSES)
        return kpu_diag_add(diag, KPU_E_USAGE,
                            "--certificate: the search %s writes none; --search exact does",
                            search->name);
    int status = check_replaced(run, diag);
    return status ? status
                  : kpu_gzip_writer_open(run->certificate, "certificate", run->force, &out->writer,
                                         diag);
}

int kpu_run_take_certificate(void *context, const char *text, size_t bytes, kpu_diag *diag)
{
    kpu_run_certificate *certificate = context;
    certificate->has_come = true;
    return kpu_gzip_writer_write(certificate->writer, text, bytes, diag);
}

int kpu_run_finish_certificate(kpu_run_certificate *certificate, kpu_diag *diag)
{
    const kpu_place place = {.file = certificate->path};
    kpu_gzip_writer *writer = certificate->writer;
    if (!writer)
        return KPU_OK;
    if (!certificate->has_come)
        return kpu_diag_add_at(diag, KPU_E_REFUTED, &place,
                               "not written: the budget was spent before the fronts were complete; "
                               "the results are there");
    certificate->writer = NULL;
    return kpu_gzip_writer_finish(writer, diag);
}

void kpu_run_drop_certificate(kpu_run_certificate *certificate)
{
    kpu_gzip_writer_discard(certificate->writer);
    certificate->writer = NULL;
}
