/* What is in a results file, with tabs between.
 *
 *     kpu-content plain FILE   as plain HDF5 shows it, a line an object:
 *     name shape sum-of-type sum-of-values attribute:shape:sum-of-type:sum-of-values,...
 *
 *     kpu-content ours FILE    as our own reader shows it, a line a column:
 *     name rows sum-of-values
 *     and, of an unfinished exhaustive run, how many evaluations are known: evaluations N -
 *
 * Sums are CRC-32 and Adler-32 of the bytes; our reader's values have 8 of them. Exit 1: something
 * could not be read. */
#include <hdf5.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "kpu/store.h"

/* ---- Plain HDF5 ---------------------------------------------------------------------------- */

static void print_sum(const void *data, size_t bytes)
{
    const unsigned char *from = data;
    uLong crc = crc32(0, NULL, 0), adler = adler32(0, NULL, 0);
    for (size_t step; bytes > 0; from += step, bytes -= step) {
        step = bytes < (1 << 30) ? bytes : 1 << 30;
        crc = crc32(crc, from, (uInt)step);
        adler = adler32(adler, from, (uInt)step);
    }
    printf("%08lx%08lx", crc, adler);
}

static bool print_type(hid_t type)
{
    size_t bytes = 0;
    if (type < 0 || H5Tis_variable_str(type) != 0 || H5Tencode(type, NULL, &bytes) < 0)
        return false;
    unsigned char *code = malloc(bytes + 1);
    bool ok = code && H5Tencode(type, code, &bytes) >= 0;
    if (ok)
        print_sum(code, bytes);
    free(code);
    return ok;
}

/* Prints the shape; bytes of the values, or -1. */
static int64_t print_shape(hid_t space, hid_t type)
{
    hsize_t dims[H5S_MAX_RANK], count = 1;
    int rank = space < 0 ? -1 : H5Sget_simple_extent_dims(space, dims, NULL);
    if (rank == 0)
        printf("scalar");
    for (int d = 0; d < rank; d++) {
        printf("%s%llu", d ? "x" : "", (unsigned long long)dims[d]);
        count *= dims[d];
    }
    return rank < 0 || count > (1u << 30) ? -1 : (int64_t)(count * H5Tget_size(type));
}

typedef struct thing {
    hid_t id;
    bool is_attribute;
    char between; /* of what is printed */
} thing;

static bool print_values(thing what, hid_t type, int64_t bytes)
{
    char *values = bytes >= 0 ? malloc((size_t)bytes + 1) : NULL;
    bool ok = values && (bytes == 0 || (what.is_attribute ? H5Aread(what.id, type, values)
                                                          : H5Dread(what.id, type, H5S_ALL, H5S_ALL,
                                                                    H5P_DEFAULT, values)) >= 0);
    if (ok)
        print_sum(values, (size_t)bytes);
    free(values);
    return ok;
}

static bool print_thing(thing what)
{
    hid_t type = what.is_attribute ? H5Aget_type(what.id) : H5Dget_type(what.id);
    hid_t space = what.is_attribute ? H5Aget_space(what.id) : H5Dget_space(what.id);
    int64_t bytes = print_shape(space, type);
    putchar(what.between);
    bool ok = print_type(type);
    putchar(what.between);
    ok = ok && print_values(what, type, bytes);
    H5Sclose(space);
    H5Tclose(type);
    return ok;
}

static herr_t print_attribute(hid_t owner, const char *name, const H5A_info_t *info, void *context)
{
    (void)info, (void)context;
    hid_t id = H5Aopen(owner, name, H5P_DEFAULT);
    printf("%s:", name);
    bool ok = id >= 0 && print_thing((thing){id, true, ':'});
    putchar(',');
    H5Aclose(id);
    return ok ? 0 : -1;
}

static herr_t print_object(hid_t root, const char *name, const H5O_info_t *info, void *context)
{
    (void)context;
    hid_t id = H5Oopen(root, name, H5P_DEFAULT);
    printf("%s\t", name);
    bool ok = id >= 0;
    if (info->type == H5O_TYPE_DATASET)
        ok = ok && print_thing((thing){id, false, '\t'});
    else
        printf("group\t-\t-");
    putchar('\t');
    ok = ok && H5Aiterate2(id, H5_INDEX_NAME, H5_ITER_INC, NULL, print_attribute, NULL) >= 0;
    putchar('\n');
    H5Oclose(id);
    return ok ? 0 : -1;
}

static bool print_plainly(const char *path)
{
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    bool ok = file >= 0 && H5Ovisit1(file, H5_INDEX_NAME, H5_ITER_INC, print_object, NULL) >= 0;
    if (file >= 0)
        H5Fclose(file);
    return ok;
}

/* ---- Our reader ---------------------------------------------------------------------------- */

static int print_columns(kpu_results *results, kpu_metric_value *values, kpu_diag *diag)
{
    int64_t rows = kpu_results_rows(results), known;
    int status = KPU_OK;
    for (size_t c = 0; !status && c < kpu_results_column_count(results); c++) {
        const kpu_column *column = kpu_results_column(results, c);
        status = kpu_results_read(results, c, 0, rows, values, diag);
        printf("%s/%s\t%lld\t", column->group, column->name, (long long)rows);
        print_sum(values, (size_t)rows * sizeof *values);
        putchar('\n');
    }
    if (kpu_results_number(results, "points", &known) &&
        kpu_results_number(results, "evaluations", &known))
        printf("evaluations\t%lld\t-\n", (long long)known);
    return status;
}

static void complain(kpu_diag *diag)
{
    char *said = kpu_diag_render(diag);
    fputs(said ? said : "out of memory\n", stderr);
    free(said);
}

static bool print_ours(const char *path)
{
    kpu_diag diag = {0};
    kpu_results *results = NULL;
    int status = kpu_results_open(path, &results, &diag);
    kpu_metric_value *values =
        status ? NULL : calloc((size_t)kpu_results_rows(results) + 1, sizeof *values);
    if (values)
        status = print_columns(results, values, &diag);
    if (status)
        complain(&diag);
    free(values);
    kpu_results_close(results);
    kpu_diag_fini(&diag);
    return values && !status;
}

int main(int count, char **argument)
{
    if (count == 3 && strcmp(argument[1], "plain") == 0)
        return print_plainly(argument[2]) ? 0 : 1;
    if (count == 3 && strcmp(argument[1], "ours") == 0)
        return print_ours(argument[2]) ? 0 : 1;
    fputs("usage: see content.c\n", stderr);
    return 2;
}
