/* Columns, and how they look in HDF5: types, attributes, complaints. */
#ifndef KPU_STORE_COLUMN_H
#define KPU_STORE_COLUMN_H

#include <hdf5.h>

#include "kpu/store.h"

#define KPU_STORE_FORMAT "kpu-dse results"
enum {
    KPU_STORE_FORMAT_VERSION = 1,
    KPU_STORE_WORDS_MAX = 127,   /* enumerations are signed bytes */
    KPU_STORE_NAME_MAX = 255,    /* bytes of a name or a word that a reader takes */
    KPU_STORE_TEXT_MAX = 1 << 24 /* bytes of any other string that a reader takes */
};

/* Deep copy; `out` owns its strings until kpu_store_column_fini. False: out of memory. */
bool kpu_store_column_copy(const kpu_column *column, kpu_column *out);
void kpu_store_column_fini(kpu_column *column);

/* The column's type in the file (strings: of `string_bytes` bytes). Negative on failure. */
hid_t kpu_store_column_type(const kpu_column *column, size_t string_bytes);
/* Creates the dataset with its attributes. Negative on failure. */
hid_t kpu_store_column_create(hid_t group, const kpu_column *column, hid_t type, hid_t space,
                              hid_t creation);

/* A scalar attribute, written again if there is one; negative on failure. */
herr_t kpu_store_put_text(hid_t object, const char *name, const char *text);
herr_t kpu_store_put_int(hid_t object, const char *name, int64_t value);
/* malloc'ed; NULL if there is none or it is no single string. */
char *kpu_store_get_text(hid_t object, const char *name);
bool kpu_store_get_int(hid_t object, const char *name, int64_t *out);
/* The one string of a scalar string dataset, malloc'ed, NULL if it is none. */
char *kpu_store_read_text(hid_t dataset);

/* Reads a dataset's type, words and attributes into *column (owned). KPU_OK, KPU_E_MEMORY, or
 * KPU_E_INPUT with *why set to a constant. */
int kpu_store_column_load(hid_t dataset, const char *group, const char *name, kpu_column *column,
                          const char **why);

/* Keeps HDF5 from holding more metadata of a file than that of the chunks that are in use, one of
 * each column: it counts bytes of the file, and in memory they are eight times as many. */
herr_t kpu_store_bound_metadata(hid_t access, size_t columns);

/* "FILE: error: WHAT: what HDF5 says". Returns `code`. */
int kpu_store_complain_hdf5(const char *path, int code, const char *what, kpu_diag *diag);
/* HDF5 prints nothing from now on: its errors come to us. */
void kpu_store_silence_hdf5(void);

#endif
