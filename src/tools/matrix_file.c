#include "tools/matrix_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/npy.h"

enum { SHAPE_TEXT = 21 * KPU_RANK_MAX };

/* "64x16"; a scalar: "1". */
static const char *shape_text(const int64_t *shape, int rank, char out[SHAPE_TEXT])
{
    char *at = out;
    strcpy(out, "1");
    for (int i = 0; i < rank; i++)
        at += sprintf(at, "%s%" PRId64, i ? "x" : "", shape[i]);
    return out;
}

static bool is_npy_name(const char *path)
{
    size_t length = strlen(path);
    return length > 4 && strcmp(path + length - 4, ".npy") == 0;
}

int kpu_matrix_bytes(const kpu_dfx_tensor *tensor, int64_t *out, kpu_diag *diag)
{
    char text[SHAPE_TEXT];
    int64_t bytes = kpu_dtype_bytes(tensor->dtype);
    bool overflows = false;
    for (int i = 0; i < tensor->rank; i++)
        overflows = overflows || kpu_mul_overflows(bytes, tensor->shape[i], &bytes);
    if (overflows || bytes > KPU_MATRIX_BYTES_MAX)
        return kpu_diag_add(
            diag, KPU_E_INPUT, "tensor %s (%s %s) is larger than the %d GiB that are executed",
            tensor->name, kpu_dtype_name(tensor->dtype),
            shape_text(tensor->shape, tensor->rank, text), (int)(KPU_MATRIX_BYTES_MAX >> 30));
    *out = bytes;
    return KPU_OK;
}

/* ---- Reading ----------------------------------------------------------------------------- */

typedef struct input {
    FILE *file;
    kpu_place place;
    const kpu_dfx_tensor *tensor;
    unsigned char *head; /* KPU_NPY_HEADER_MAX bytes */
    kpu_diag *diag;
} input;

static int read_failed(const input *in)
{
    return kpu_diag_add_at(in->diag, KPU_E_INPUT, &in->place, "cannot be read: %s",
                           strerror(errno));
}

/* Whether what the header says is the tensor. */
static int check_npy(const input *in, const kpu_npy *npy)
{
    const kpu_dfx_tensor *tensor = in->tensor;
    char got[SHAPE_TEXT], expected[SHAPE_TEXT];
    bool same = npy->rank == tensor->rank;
    for (int i = 0; same && i < tensor->rank; i++)
        same = npy->shape[i] == tensor->shape[i];
    if (!kpu_npy_holds(npy, tensor->dtype))
        return kpu_diag_add_at(in->diag, KPU_E_INPUT, &in->place,
                               "its elements are of type %c%d, those of tensor %s are %s%s",
                               npy->kind, npy->item_bytes, tensor->name,
                               kpu_dtype_name(tensor->dtype),
                               tensor->dtype == KPU_BF16 ? " (V2 or u2 in .npy)" : "");
    if (!same)
        return kpu_diag_add_at(in->diag, KPU_E_INPUT, &in->place,
                               "its shape is %s, that of tensor %s is %s",
                               shape_text(npy->shape, npy->rank, got), tensor->name,
                               shape_text(tensor->shape, tensor->rank, expected));
    if (npy->fortran_order && tensor->rank > 1)
        return kpu_diag_add_at(in->diag, KPU_E_INPUT, &in->place,
                               "it is in Fortran order, expected row by row (C order)");
    return KPU_OK;
}

/* What stands before the elements: a header of .npy, or nothing. *first gets how many of the bytes
 * of in->head are elements already. */
static int read_head(const input *in, size_t *first)
{
    kpu_npy npy;
    size_t got = fread(in->head, 1, KPU_NPY_FIRST_BYTES, in->file);
    *first = got;
    if (ferror(in->file))
        return read_failed(in);
    if (!is_npy_name(in->place.file) && !kpu_npy_is(in->head, got))
        return KPU_OK;
    size_t header = got == KPU_NPY_FIRST_BYTES ? kpu_npy_header_bytes(in->head) : 0;
    if (kpu_npy_is(in->head, got) && header > got)
        got += fread(in->head + got, 1, header - got, in->file);
    if (ferror(in->file))
        return read_failed(in);
    int status = kpu_npy_parse(in->place.file, in->head, got, &npy, in->diag);
    if (!status)
        status = check_npy(in, &npy);
    *first = status ? 0 : got - npy.data_offset;
    if (!status && *first > 0)
        memmove(in->head, in->head + npy.data_offset, *first);
    return status;
}

static int wrong_size(const input *in, int64_t got, bool more)
{
    char text[SHAPE_TEXT];
    int64_t bytes = 0;
    int status = kpu_matrix_bytes(in->tensor, &bytes, in->diag);
    if (status)
        return status;
    return kpu_diag_add_at(in->diag, KPU_E_INPUT, &in->place,
                           "has %s%" PRId64 " bytes of elements, tensor %s (%s %s) has %" PRId64,
                           more ? "more than " : "", got, in->tensor->name,
                           kpu_dtype_name(in->tensor->dtype),
                           shape_text(in->tensor->shape, in->tensor->rank, text), bytes);
}

static int read_elements(const input *in, int64_t bytes, char *data)
{
    size_t first;
    int status = read_head(in, &first);
    if (status)
        return status;
    if ((int64_t)first > bytes)
        return wrong_size(in, bytes, true);
    memcpy(data, in->head, first);
    size_t got = first + fread(data + first, 1, (size_t)bytes - first, in->file);
    if (ferror(in->file))
        return read_failed(in);
    if ((int64_t)got < bytes)
        return wrong_size(in, (int64_t)got, false);
    if (fgetc(in->file) != EOF)
        return wrong_size(in, bytes, true);
    return KPU_OK;
}

int kpu_matrix_file_read(const char *path, const kpu_dfx_tensor *tensor, void *data, kpu_diag *diag)
{
    input in = {.place = {.file = path}, .tensor = tensor, .diag = diag};
    int64_t bytes;
    int status = kpu_matrix_bytes(tensor, &bytes, diag);
    if (status)
        return status;
    in.file = fopen(path, "rb");
    if (!in.file)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &in.place, "cannot be opened: %s",
                               strerror(errno));
    in.head = malloc(KPU_NPY_HEADER_MAX);
    status = in.head ? read_elements(&in, bytes, data)
                     : kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    free(in.head);
    fclose(in.file);
    return status;
}

/* ---- Writing ----------------------------------------------------------------------------- */

int kpu_matrix_file_write(const char *path, const kpu_dfx_tensor *tensor, const void *data,
                          kpu_diag *diag)
{
    int64_t bytes;
    int status = kpu_matrix_bytes(tensor, &bytes, diag);
    if (status)
        return status;
    if (!is_npy_name(path))
        return kpu_file_write(path, data, (size_t)bytes, diag);
    kpu_text file = {0};
    kpu_npy_put_header(&file, tensor->dtype, tensor->shape, tensor->rank);
    kpu_text_put_bytes(&file, data, (size_t)bytes);
    if (file.failed)
        status = kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    else
        status = kpu_file_write(path, file.data, file.length, diag);
    kpu_text_fini(&file);
    return status;
}
