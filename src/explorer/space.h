/* The inside of a kpu_space, shared by the files that make it. */
#ifndef KPU_EXPLORER_SPACE_H
#define KPU_EXPLORER_SPACE_H

#include "explorer/axis.h"
#include "kpu/explorer.h"

enum { KPU_SPACE_AXES = 15, KPU_MACHINE_VARIANTS_MAX = 65536, KPU_DIGITS_MAX = 64 };
enum {
    KPU_LIST_MAX = 4096,            /* entries of a list of words */
    KPU_SPACE_GEMMS_MAX = 65536,    /* of all workloads together */
    KPU_SPACE_FILES_MAX = 64 << 20, /* bytes of all machine and workload files together */
    KPU_SPACE_VALUES_MAX = 16 << 20 /* values of all axes that depend on the GEMM, of all GEMMs */
};

/* One axis of the candidate: the key in [space], how its elements look, where they go. */
typedef struct kpu_space_axis {
    const char *name;
    size_t offset; /* in kpu_candidate */
    kpu_element_kind element;
    int dim; /* KPU_M.. that `divisors` refers to; -1: none */
} kpu_space_axis;
extern const kpu_space_axis kpu_space_axes[KPU_SPACE_AXES];

/* Axes -> digits of a mixed-radix number: those of a lock-step group share one digit, which
 * stands where the first of them would. */
typedef struct kpu_digits {
    bool of_machine; /* axes of the machine: their names have a dot */
    size_t axis_count, digit_count;
    size_t digit_of[KPU_DIGITS_MAX];
    const kpu_setting *group_of[KPU_DIGITS_MAX]; /* [lockstep] entry, or NULL */
} kpu_digits;

/* A machine key that is an axis; values as text for kpu_ini_set, and as numbers. */
typedef struct kpu_machine_axis {
    const kpu_key *key;
    int64_t count;
    char **text;
    double *value;
} kpu_machine_axis;

typedef struct kpu_source {
    char *name, *text;
} kpu_source;

typedef struct kpu_space_gemm_entry {
    size_t workload, gemm;
} kpu_space_gemm_entry;

struct kpu_space {
    char *name, *output;
    int *objectives;
    size_t objective_count;
    uint64_t seed;
    kpu_search_settings search;
    kpu_keep keep;

    kpu_workload *workloads;
    size_t workload_count;
    kpu_space_gemm_entry *gemms;
    size_t gemm_count;

    kpu_machine_axis *machine_axes;
    size_t machine_axis_count;
    kpu_digits machine_digits;
    int64_t machine_lengths[KPU_DIGITS_MAX];
    int64_t machine_axes_size; /* product of the lengths */
    kpu_machine *machines;     /* base machine outermost, then the machine axes */
    size_t machine_count;

    kpu_axis axes[KPU_SPACE_AXES];
    kpu_digits digits;
    kpu_values shared[KPU_SPACE_AXES]; /* of axes without `divisors` */
    kpu_values *values;                /* [gemm * KPU_SPACE_AXES + axis]; may alias `shared` */
    int64_t *lengths;                  /* [gemm * digit_count + digit] */
    int64_t *first;                    /* [gemm_count + 1]: points of a machine before that GEMM */
    int64_t raw_size, run_size;

    kpu_expression **constraints;
    char **constraint_texts; /* as written */
    size_t constraint_count;

    kpu_source *sources;
    size_t source_count, source_bytes;

    const kpu_space_file *kept; /* while the space is made: files to use instead of the disk's */
    size_t kept_count, kept_used;
};

/* A file that the sweep calls `name`, whole: from where the sweep's machines and workloads are
 * looked for, or the next of the kept ones. kpu_space_text_fini it in any case. */
typedef struct kpu_space_text {
    char *path, *text;
    size_t bytes;
} kpu_space_text;
int kpu_space_read_file(kpu_space *space, const kpu_ini *sweep, const char *name,
                        const kpu_place *place, kpu_space_text *out, kpu_diag *diag);
void kpu_space_text_fini(kpu_space_text *text);
/* Whether [sweep] output, if the file itself names one, lies below the current folder. */
int kpu_space_check_output(const kpu_space *space, const kpu_ini *sweep, kpu_diag *diag);
/* Keeps a copy of a file's text under its name. */
int kpu_space_add_source(kpu_space *space, const char *name, const char *text, kpu_diag *diag);

/* Each reads its sections, gathers all complaints about them and returns the worst. */
int kpu_space_read_machines(kpu_space *space, const kpu_ini *sweep, kpu_diag *diag);
int kpu_space_read_workloads(kpu_space *space, const kpu_ini *sweep, kpu_diag *diag);
int kpu_space_read_axes(kpu_space *space, const kpu_ini *sweep, kpu_diag *diag);
int kpu_space_read_constraints(kpu_space *space, const kpu_ini *sweep, kpu_diag *diag);
/* After all of them: the numbering, with its checks. */
int kpu_space_number(kpu_space *space, const kpu_ini *sweep, kpu_diag *diag);
/* [search], and what of [sweep] goes with it. */
int kpu_space_read_search(kpu_space *space, const kpu_ini *sweep, kpu_diag *diag);
/* [sweep] store, after [search]. */
int kpu_space_read_keep(kpu_space *space, const kpu_ini *sweep, kpu_diag *diag);
void kpu_space_free_machines(kpu_space *space);
void kpu_space_free_workloads(kpu_space *space);
void kpu_space_free_axes(kpu_space *space);

/* Digits of `names`, axis_count of them, grouped as [lockstep] says; digits has of_machine and
 * axis_count set. A group is of machine axes or of the candidate's: its first name says. */
int kpu_digits_make(kpu_digits *digits, const char *const *names, const kpu_ini *sweep,
                    kpu_diag *diag);
/* Lengths of the digits from those of the axes; complains about groups of unequal lengths.
 * `whose` ends the complaint: "", or " of the GEMM qkv". */
int kpu_digits_lengths(const kpu_digits *digits, const char *const *names,
                       const int64_t *axis_lengths, const char *whose, int64_t *out,
                       kpu_diag *diag);

/* Decodes the point with this index. False if a constraint excludes it. */
bool kpu_space_point_at(const kpu_space *space, int64_t index, kpu_point *out);
/* kpu_space_point of a point that is known to be a candidate: without a look at constraints. */
void kpu_space_decode(const kpu_space *space, int64_t n, kpu_point *out);
/* The GEMM to which point `n` of a machine belongs. */
size_t kpu_space_gemm_of(const kpu_space *space, int64_t n);
/* The other way: the index of a point from its machine variant, GEMM, and the digits of that GEMM's
 * candidates (space->digits.digit_count of them, each below the GEMM's length). */
int64_t kpu_space_index(const kpu_space *space, int64_t machine, int64_t gemm,
                        const int64_t *digits);
/* True if no constraint excludes the point. */
bool kpu_space_admits(const kpu_space *space, const kpu_point *point);
/* True only if a constraint excludes every candidate whose fields lie between those of `low` and
 * `high`, of one GEMM and machine: by interval arithmetic, which may miss it. */
bool kpu_space_admits_none(const kpu_space *space, const kpu_point *low, const kpu_point *high);

/* A setting's list "a, b , c" -> its entries, trimmed, each with its place. Empty entries and
 * doubles are complained about. */
typedef struct kpu_list_entry {
    char *text; /* the caller frees it */
    kpu_place place;
} kpu_list_entry;
int kpu_list_split(const kpu_setting *setting, kpu_list_entry **out, size_t *count, kpu_diag *diag);
void kpu_list_free(kpu_list_entry *entries, size_t count);

#endif
