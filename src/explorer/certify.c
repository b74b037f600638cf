/* The check of a certificate as a whole: docs/certificate.md, "What is checked".
 *
 * One thread reads the certificate and follows its tree; the claims that it meets are gathered, and
 * a team checks them. The first defect is reported, first in the order of the lines: whoever
 * reads on is stopped by it even if another one has been met already further down. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explorer/certify.h"

enum { CLAIMS_AT_ONCE = 2048 };

typedef struct checking {
    const kpu_certify_options *options;
    kpu_diag *diag;
    kpu_team *team;
    kpu_certify_reader reader;
    kpu_diag found; /* by the reader: told if no claim before fails */
    kpu_certify_proof proof;
    kpu_certify_claim *claims; /* gathered */
    size_t claim_count;
    int64_t members_met;
    kpu_certify_facts *facts;
} checking;

static int no_memory(checking *c)
{
    return kpu_diag_add(c->diag, KPU_E_MEMORY, "out of memory");
}

/* What stopped the team, told at the line of the first item that failed. */
static int complain(checking *c, int code, int64_t line, const char *text, const char *reason)
{
    const kpu_place place = {.file = c->reader.source->name, .line = line, .text = text};
    if (code == KPU_E_INTERRUPTED)
        return code;
    return kpu_diag_add_at(c->diag, code, &place, "%s",
                           code == KPU_E_REFUTED ? reason : kpu_error_text(code));
}

/* ---- Members ----------------------------------------------------------------------------- */

/* No member of a GEMM dominates another one: every one against all. */
static int compare_member(void *context, kpu_worker *worker, int64_t item)
{
    const checking *c = context;
    const kpu_certify_member *one = &c->proof.members[item];
    (void)worker;
    for (size_t i = 0; i < c->proof.member_count; i++) {
        const kpu_certify_member *other = &c->proof.members[i];
        if (other->gemm == one->gemm &&
            kpu_certify_dominates(c->proof.space, other->value, one->value))
            return KPU_E_REFUTED;
    }
    return KPU_OK;
}

static int check_members(checking *c)
{
    int code = kpu_team_run(c->team, (int64_t)c->proof.member_count, compare_member, c);
    if (code == KPU_OK)
        return code;
    int64_t failed = kpu_team_failed_item(c->team);
    int64_t line = code == KPU_E_INTERRUPTED ? 0 : c->proof.members[failed].line;
    return complain(c, code, line, NULL, "this member is dominated by another one of its GEMM");
}

/* ---- Claims ------------------------------------------------------------------------------ */

static int check_claim(void *context, kpu_worker *worker, int64_t item)
{
    checking *c = context;
    kpu_certify_claim *claim = &c->claims[item];
    return claim->closing->check(&c->proof, worker, claim);
}

/* All that have been gathered. */
static int check_claims(checking *c)
{
    int code = kpu_team_run(c->team, (int64_t)c->claim_count, check_claim, c);
    if (code == KPU_E_INTERRUPTED)
        return code;
    if (code != KPU_OK) {
        const kpu_certify_claim *claim = &c->claims[kpu_team_failed_item(c->team)];
        return complain(c, code, claim->line, claim->text, claim->reason);
    }
    c->claim_count = 0;
    const kpu_certify_options *o = c->options;
    bool stop = o->progress && o->progress(o->context, c->facts);
    return stop ? KPU_E_INTERRUPTED : KPU_OK;
}

/* Gathers a claim; checks them when there are enough. */
static int take(void *context, const kpu_certify_claim *claim)
{
    checking *c = context;
    kpu_certify_claim *kept = &c->claims[c->claim_count++];
    *kept = *claim;
    size_t kind = (size_t)(claim->closing - kpu_certify_closings);
    c->facts->boxes[kind]++;
    c->facts->candidates[kind] += kpu_certify_box_count(c->proof.space, &claim->box);
    if (kind == KPU_CERTIFY_MEMBER) { /* each is met once at most: boxes share no point */
        kpu_point point;
        kpu_certify_box_point(c->proof.space, &claim->box, 0, &point);
        kept->member = kpu_certify_find_member(c->proof.members, c->proof.member_count, point.gemm,
                                               point.index);
        c->members_met += kept->member >= 0;
    }
    return c->claim_count == CLAIMS_AT_ONCE ? check_claims(c) : KPU_OK;
}

/* ---- The end ----------------------------------------------------------------------------- */

static int read_end(checking *c)
{
    kpu_certify_reader *reader = &c->reader;
    char hash[33];
    int64_t lines = 0;
    int code = kpu_certify_read_line(reader);
    kpu_hash_text(reader->hash, hash);
    if (code == KPU_OK && strcmp(reader->word[0], "end") != 0)
        code = kpu_certify_complain(reader, 0, "all boxes are closed; expected a line 'end'");
    if (code == KPU_OK)
        code = kpu_certify_want_words(reader, 3);
    if (code == KPU_OK && c->members_met < (int64_t)c->proof.member_count)
        code = kpu_certify_complain(
            reader, 0, "%" PRId64 " of the %zu members are in no box that is closed by 'p'",
            (int64_t)c->proof.member_count - c->members_met, c->proof.member_count);
    if (code == KPU_OK)
        code = kpu_certify_want_int(
            reader, 1, (kpu_certify_range){reader->number - 1, reader->number - 1}, &lines);
    if (code == KPU_OK && strcmp(reader->word[2], hash) != 0)
        code = kpu_certify_complain(reader, 2, "the checksum of the lines before is %s", hash);
    c->facts->lines = reader->number;
    return code == KPU_OK ? kpu_certify_read_end(reader) : code;
}

/* ---- The whole --------------------------------------------------------------------------- */

static int read_all(checking *c)
{
    int code = kpu_certify_read_head(&c->reader, &c->proof);
    if (code == KPU_OK)
        code = check_members(c);
    if (code == KPU_OK)
        code = kpu_certify_read_tree(&c->reader, &c->proof, take, c);
    if (code == KPU_OK)
        code = read_end(c);
    return code;
}

static void pass_on(const kpu_diag *from, kpu_diag *to)
{
    for (size_t i = 0; i < from->count; i++) {
        const kpu_diag_entry *e = &from->entries[i];
        const kpu_place place = {e->file, e->line, e->column, e->text};
        kpu_diag_add_at(to, e->code, &place, "%s", e->message);
    }
}

static int lead(void *context, kpu_team *team)
{
    checking *c = context;
    c->team = team;
    c->proof.scratch = calloc(kpu_team_size(team) * kpu_metric_count(), sizeof *c->proof.scratch);
    int code = c->proof.scratch ? read_all(c) : no_memory(c);
    bool told = code != KPU_OK && c->found.count == 0; /* by a check of claims, not by the reader */
    if (!told && code != KPU_E_INTERRUPTED) {
        int earlier = check_claims(c);
        if (earlier == KPU_OK)
            pass_on(&c->found, c->diag);
        code = earlier != KPU_OK ? earlier : code;
    }
    free(c->proof.scratch);
    return code;
}

static bool is_stopped(void *context)
{
    const kpu_certify_options *options = context;
    return options->stop && *options->stop;
}

int kpu_certify(const kpu_space *space, const kpu_certify_source *source,
                const kpu_certify_options *options, kpu_certify_facts *out, kpu_diag *diag)
{
    checking c = {.options = options,
                  .diag = diag,
                  .proof = {.space = space,
                            .objectives = kpu_space_objective_count(space),
                            .fast_forward = options->fast_forward},
                  .facts = out};
    kpu_certify_options mine = *options;
    const kpu_team_options team = {
        .threads = options->threads, .is_stopped = is_stopped, .context = &mine};
    *out = (kpu_certify_facts){0};
    kpu_diag_init(&c.found);
    c.claims = malloc(CLAIMS_AT_ONCE * sizeof *c.claims);
    int code = c.claims ? kpu_certify_reader_init(&c.reader, source, &c.found) : no_memory(&c);
    if (code == KPU_OK)
        code = kpu_team_open(&team, lead, &c, diag);
    kpu_certify_reader_fini(&c.reader);
    kpu_diag_fini(&c.found);
    free(c.claims);
    out->members = c.proof.members;
    out->member_count = c.proof.member_count;
    return code;
}

void kpu_certify_facts_fini(kpu_certify_facts *facts)
{
    free(facts->members);
    *facts = (kpu_certify_facts){0};
}
