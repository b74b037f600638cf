/* Private to the program: runs that others make, seen from outside. */
#ifndef KPU_SRC_TOOLS_WATCH_H
#define KPU_SRC_TOOLS_WATCH_H

#include "tools/run_files.h"

typedef enum kpu_watch_stage {
    KPU_WATCH_BEGINNING, /* nothing is committed yet */
    KPU_WATCH_RUNNING,
    KPU_WATCH_STANDING, /* not finished, and nobody writes */
    KPU_WATCH_FINISHED
} kpu_watch_stage;

/* How far a run is: numbers of one commit. */
typedef struct kpu_watch_pace {
    int64_t done, total; /* points, or candidates; total 0: no end is known */
    int64_t evaluations, feasible, ms;
} kpu_watch_pace;

/* One run, or one part of it. */
typedef struct kpu_watched {
    char *path; /* of the finished file */
    kpu_watch_stage stage;
    char writer[256];
    kpu_watch_pace pace;
    double rate; /* a second; < 0: not known */
    char *identity;
    char *missing;     /* "2, 5-7": parts that a merged file is without, or NULL */
    char *source;      /* file whose rows were read */
    int64_t rows_read; /* of it */
    kpu_fronts fronts; /* of those */
    bool has_fronts;
} kpu_watched;

typedef struct kpu_watch {
    kpu_watched *runs;
    size_t count;
    kpu_space *space; /* of all of them; NULL until it is known */
    kpu_columns columns;
    bool wants_fronts;
} kpu_watch;

/* Takes names of finished files, of unfinished ones, and of logs. */
int kpu_watch_init(kpu_watch *watch, char *const *paths, int count, kpu_diag *diag);
void kpu_watch_fini(kpu_watch *watch);
/* Looks at all of them, and reads the rows that are new. */
int kpu_watch_look(kpu_watch *watch, kpu_diag *diag);
bool kpu_watch_is_over(const kpu_watch *watch);
/* Progress, and the fronts of all rows. KPU_OK or KPU_E_MEMORY. */
int kpu_watch_put(const kpu_watch *watch, kpu_text *out);

#endif
