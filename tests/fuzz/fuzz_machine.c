/* Machine files: the reader, what is set on the command line, the machine that comes of it. */
#include "fuzz/check.h"
#include "fuzz/fuzz.h"
#include "kpu/machine.h"

/* What was read prints as what is read the same. */
static void print_again(const kpu_ini *ini)
{
    kpu_ini again = {0};
    char *first = kpu_ini_print(ini);
    if (!first || kpu_ini_parse("again.ini", first, strlen(first), ini->kind, &again, NULL))
        fail_check("what was printed is refused");
    char *second = kpu_ini_print(&again);
    if (!second || strcmp(first, second) != 0)
        fail_check("what was printed prints differently");
    kpu_ini_fini(&again);
    free(first);
    free(second);
}

static void make_machine(const kpu_ini *ini)
{
    kpu_machine machine;
    kpu_diag diag = {0};
    int status = kpu_machine_from_ini(ini, &machine, &diag);
    if (!status && (kpu_machine_validate(&machine, NULL) ||
                    kpu_machine_capacity_bytes(&machine, KPU_LEVEL_L3) < 1))
        fail_check("a machine that is none");
    check_complaints(status, &diag);
}

/* The last line, as a value of --set. */
static void set_last_line(kpu_ini *ini, const char *text)
{
    const char *newline = strrchr(text, '\n');
    kpu_diag diag = {0};
    check_complaints(kpu_ini_set(ini, newline ? newline + 1 : text, &diag), &diag);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = copy_text(data, size);
    kpu_key_file kind = kpu_ini_detect(text, size);
    kpu_ini ini = {0};
    kpu_diag diag = {0};
    int status = kpu_ini_parse("fuzz.ini", text, size, kind, &ini, &diag);
    check_complaints(status, &diag);
    if (!status)
        print_again(&ini);
    set_last_line(&ini, text);
    if (kind == KPU_FILE_MACHINE)
        make_machine(&ini);
    kpu_ini_fini(&ini);
    free(text);
    return 0;
}
