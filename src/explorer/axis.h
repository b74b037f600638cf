/* The language of axis values: lists of values and ranges, expanded to numbers.
 *
 *     16, 32, 48      16..256 +16      16..1024 x2      divisors      divisors 16..512 */
#ifndef KPU_EXPLORER_AXIS_H
#define KPU_EXPLORER_AXIS_H

#include "kpu/config.h"
#include "kpu/mapping.h"

enum { KPU_AXIS_VALUES_MAX = 1000000, KPU_ELEMENT_MAX = 7 };

/* How the elements of an axis look. An element is `width` consecutive int64_t of a kpu_candidate.
 */
typedef enum kpu_element_kind {
    KPU_ELEMENT_INTEGER,   /* 16; also ranges */
    KPU_ELEMENT_EXTENT,    /* an integer; also `divisors` of a dimension of the GEMM */
    KPU_ELEMENT_WORD,      /* one of the key's words, as its number */
    KPU_ELEMENT_ORDER,     /* mnk and its permutations */
    KPU_ELEMENT_TRIPLE,    /* 2, or 3/2/1 for A, B, C */
    KPU_ELEMENT_RESIDENCY, /* auto, or 3-4/6-6/6-6 for A, B, C: L3-L2 */
    KPU_ELEMENT_KINDS
} kpu_element_kind;

typedef enum kpu_item_kind {
    KPU_ITEM_VALUE,
    KPU_ITEM_SUM,     /* first, first + step, ... <= last */
    KPU_ITEM_PRODUCT, /* first, first * step, ... <= last */
    KPU_ITEM_DIVISORS /* of the dimension, within first .. last */
} kpu_item_kind;

/* One entry of the list, as written. */
typedef struct kpu_axis_item {
    kpu_item_kind kind;
    int64_t number[KPU_ELEMENT_MAX]; /* the element; or first, last, step */
    int64_t at;                      /* offset in the axis' text */
} kpu_axis_item;

/* A parsed axis; init by kpu_axis_parse, freed by kpu_axis_fini (zeroed memory is fine too). */
typedef struct kpu_axis {
    const kpu_key *key;
    kpu_place place; /* of the text; its strings belong to the sweep */
    kpu_element_kind element;
    kpu_axis_item *items;
    size_t count;
    bool has_divisors; /* the values depend on the GEMM */
} kpu_axis;

/* Numbers of an axis: `count` elements of `width` each, row after row. */
typedef struct kpu_values {
    int64_t count;
    int64_t *number;
} kpu_values;

size_t kpu_element_width(kpu_element_kind element);
int kpu_axis_parse(kpu_axis *axis, const kpu_key *key, kpu_element_kind element, const char *text,
                   const kpu_place *place, kpu_diag *diag);
void kpu_axis_fini(kpu_axis *axis);
/* What `divisors` refers to: dimension `name` ("M") of the GEMM `gemm`. Zeroed if there is none. */
typedef struct kpu_axis_extent {
    int64_t size;
    const char *name, *gemm;
} kpu_axis_extent;
/* Complains about doubles, about no value at all and about too many. The caller frees
 * out->number. */
int kpu_axis_expand(const kpu_axis *axis, const kpu_axis_extent *extent, kpu_values *out,
                    kpu_diag *diag);

/* One element. `place` is where it begins. */
int kpu_element_parse(kpu_element_kind element, const kpu_key *key, const char *text,
                      const kpu_place *place, int64_t out[KPU_ELEMENT_MAX], kpu_diag *diag);
/* Number of an order ("mnk" -> 0*9 + 1*3 + 2), or -1: what constraints compare. */
int64_t kpu_order_number(const int64_t order[KPU_DIMS]);
bool kpu_order_parse(const char *text, int64_t order[KPU_DIMS]);

#endif
