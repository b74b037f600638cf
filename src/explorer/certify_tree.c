/* The tree of boxes. It partitions the space because of how it is followed: the first box is the
 * whole space, a split makes of one box two that share no point and together have all of it, and
 * the second of the two is always taken up when the first is done. Only the splits on the way to
 * the current box are remembered. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "explorer/certify.h"

/* A split on the way to the current box. */
typedef struct fork {
    int64_t digit, at;
    kpu_certify_range before; /* of that digit */
    bool second;              /* the current box lies in the second part */
} fork;

typedef struct walk {
    kpu_certify_reader *reader;
    const kpu_certify_proof *proof;
    kpu_certify_claim claim; /* its box is the current one */
    fork *forks;
    size_t depth, capacity;
    bool done;
} walk;

static int push(walk *w, const fork *f)
{
    if (w->depth == w->capacity) {
        size_t capacity = w->capacity ? 2 * w->capacity : 64;
        fork *grown = realloc(w->forks, capacity * sizeof *grown);
        if (!grown)
            return kpu_diag_add(w->reader->diag, KPU_E_MEMORY, "out of memory");
        w->forks = grown;
        w->capacity = capacity;
    }
    w->forks[w->depth++] = *f;
    return KPU_OK;
}

/* Gives a digit of the current box another range. */
static void set_range(walk *w, int64_t digit, int64_t low, int64_t high)
{
    *kpu_certify_box_range(&w->claim.box, digit) = (kpu_certify_range){low, high};
    if (digit == KPU_CERTIFY_DIGIT_GEMM) /* no digit of a candidate was split before it */
        kpu_certify_box_enter_gemm(w->proof->space, &w->claim.box);
}

/* s digit at */
static int split(walk *w)
{
    const kpu_certify_range digits = {KPU_CERTIFY_DIGIT_GEMM,
                                      (int64_t)w->proof->space->digits.digit_count - 1};
    fork f = {0};
    int code = kpu_certify_want_words(w->reader, 3);
    if (code == KPU_OK)
        code = kpu_certify_want_int(w->reader, 1, digits, &f.digit);
    if (code == KPU_OK && f.digit >= 0 && !kpu_certify_box_is_cell(&w->claim.box))
        code = kpu_certify_complain(w->reader, 1,
                                    "a digit of the candidate is split in a box of more than one "
                                    "GEMM or machine");
    if (code != KPU_OK)
        return code;
    f.before = *kpu_certify_box_range(&w->claim.box, f.digit);
    if (f.before.low == f.before.high)
        return kpu_certify_complain(w->reader, 1, "the box has one value of this digit, %" PRId64,
                                    f.before.low);
    code = kpu_certify_want_int(w->reader, 2, (kpu_certify_range){f.before.low + 1, f.before.high},
                                &f.at);
    if (code == KPU_OK)
        code = push(w, &f);
    if (code == KPU_OK)
        set_range(w, f.digit, f.before.low, f.at - 1);
    return code;
}

/* From a closed box to the next one in preorder. */
static void advance(walk *w)
{
    while (w->depth > 0 && w->forks[w->depth - 1].second) {
        const fork *f = &w->forks[--w->depth];
        set_range(w, f->digit, f->before.low, f->before.high);
    }
    w->done = w->depth == 0;
    if (w->done)
        return;
    fork *f = &w->forks[w->depth - 1];
    f->second = true;
    set_range(w, f->digit, f->at, f->before.high);
}

static const kpu_certify_closing *find_closing(const char *word)
{
    for (size_t i = 0; i < KPU_CERTIFY_CLOSINGS; i++)
        if (strcmp(kpu_certify_closings[i].word, word) == 0)
            return &kpu_certify_closings[i];
    return NULL;
}

/* A closed box: WORD [member] [value ...] */
static int read_claim(walk *w)
{
    kpu_certify_reader *reader = w->reader;
    kpu_certify_claim *claim = &w->claim;
    const kpu_certify_closing *closing = find_closing(reader->word[0]);
    if (!closing)
        return kpu_certify_complain(
            reader, 0, "boxes are still open; expected s, i, d, p, e or n, got '%.40s'",
            reader->word[0]);
    size_t values = closing->has_values ? w->proof->objectives : 0;
    size_t first = closing->names_member ? 2 : 1;
    int code = kpu_certify_want_words(reader, first + values);
    if (code == KPU_OK && !kpu_certify_box_is_cell(&claim->box))
        code = kpu_certify_complain(reader, 0, "a box of more than one GEMM or machine is closed");
    if (code == KPU_OK && closing->is_point &&
        kpu_certify_box_count(w->proof->space, &claim->box) != 1)
        code = kpu_certify_complain(reader, 0, "a box of more than one candidate is closed by '%s'",
                                    closing->word);
    if (code == KPU_OK && closing->names_member)
        code = kpu_certify_want_int(
            reader, 1, (kpu_certify_range){0, (int64_t)w->proof->member_count - 1}, &claim->member);
    for (size_t i = 0; code == KPU_OK && i < values; i++)
        code = kpu_certify_want_value(reader, first + i, closing->may_be_nan, &claim->value[i]);
    claim->closing = closing;
    claim->line = reader->number;
    memcpy(claim->text, reader->line, sizeof claim->text);
    return code;
}

static int follow(walk *w, kpu_certify_taker take, void *context)
{
    int code = KPU_OK;
    while (code == KPU_OK && !w->done) {
        code = kpu_certify_read_line(w->reader);
        if (code != KPU_OK)
            break;
        if (strcmp(w->reader->word[0], "s") == 0) {
            code = split(w);
            continue;
        }
        code = read_claim(w);
        if (code == KPU_OK)
            code = take(context, &w->claim);
        advance(w);
    }
    return code;
}

int kpu_certify_read_tree(kpu_certify_reader *reader, const kpu_certify_proof *proof,
                          kpu_certify_taker take, void *context)
{
    walk *w = calloc(1, sizeof *w);
    if (!w)
        return kpu_diag_add(reader->diag, KPU_E_MEMORY, "out of memory");
    w->reader = reader;
    w->proof = proof;
    kpu_certify_box_init(proof->space, &w->claim.box);
    int code = follow(w, take, context);
    free(w->forks);
    free(w);
    return code;
}
