#include "random_space.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define PICK(random, table)                                                                        \
    ((table)[random_between((random), 0, (int64_t)(sizeof(table) / sizeof((table)[0])) - 1)])

/* Appends to a text of RANDOM_TEXT bytes. */
__attribute__((format(printf, 2, 3))) static void put(char *text, const char *format, ...)
{
    size_t length = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    int more = vsnprintf(text + length, RANDOM_TEXT - length, format, arguments);
    va_end(arguments);
    if (more < 0 || length + (size_t)more >= RANDOM_TEXT)
        abort(); /* the test's own mistake */
}

/* ---- Machines ----------------------------------------------------------------------------- */

static void put_int(char *text, const char *key, const int64_t *value)
{
    put(text, "%s = %lld\n", key, (long long)*value);
}

static void put_word(char *text, const char *key, const int64_t *value)
{
    put(text, "%s = %s\n", key, *value == KPU_PIPELINING_FULL ? "full" : "none");
}

static void put_rational(char *text, const char *key, const kpu_rational *value)
{
    put(text, "%s = %lld/%lld\n", key, (long long)value->num, (long long)value->den);
}

static void put_real(char *text, const char *key, const double *value)
{
    put(text, "%s = %.6f\n", key, *value);
}

#define PUT_INT put_int
#define PUT_WORD put_word
#define PUT_RATIONAL put_rational
#define PUT_REAL put_real
#define PUT_DECIMAL put_real

static void put_machine(char *text, const kpu_machine *machine)
{
    const char *last = "";
    text[0] = '\0';
#define FIELD(type, section, key, member)                                                          \
    if (strcmp(section, last) != 0)                                                                \
        put(text, "[%s]\n", section);                                                              \
    last = section;                                                                                \
    PUT_##type(text, key, &machine->member);
#include "machine/fields.def"
#undef FIELD
}

/* ---- Axes --------------------------------------------------------------------------------- */

/* Up to `most` distinct numbers of low..high, in no order; their number. */
static int64_t put_numbers(random_stream *random, char *text, int64_t low, int64_t high,
                           int64_t most)
{
    int64_t seen[8], count = 0, wanted = random_between(random, 1, most);
    for (int tries = 0; tries < 30 && count < wanted; tries++) {
        int64_t value = random_between(random, low, high);
        bool fresh = true;
        for (int64_t i = 0; i < count; i++)
            fresh &= seen[i] != value;
        if (!fresh)
            continue;
        put(text, "%s%lld", count ? ", " : "", (long long)value);
        seen[count++] = value;
    }
    return count;
}

/* Each word with even odds, one at least. */
static int64_t put_words(random_stream *random, char *text, const char *const *words,
                         int64_t word_count, int64_t most)
{
    int64_t count = 0, sure = random_between(random, 0, word_count - 1);
    for (int64_t i = 0; i < word_count && count < most; i++) {
        if (i != sure && random_chance(random, 50))
            continue;
        put(text, "%s%s", count ? ", " : "", words[i]);
        count++;
    }
    return count;
}

/* Blocks that often go with some tile. */
static int64_t put_blocks(random_stream *random, char *text, int64_t most)
{
    static const int64_t blocks[] = {0, 4, 8, 12, 16, 24, 32, 60};
    int64_t from = random_between(random, 0, 7), count = random_between(random, 1, most);
    for (int64_t i = 0; i < count; i++)
        put(text, "%s%lld", i ? ", " : "", (long long)blocks[(from + 3 * i) % 8]);
    return count;
}

typedef enum axis_kind { TILES, BLOCKS, WORDS, BUFFERS } axis_kind;

static const char *const flows[] = {"os", "ws", "is"};
static const char *const swaps[] = {"0", "1"};
static const char *const orders[] = {"mnk", "mkn", "nmk", "nkm", "kmn", "knm"};
static const char *const triples[] = {"1", "2", "3", "1/2/3", "3/1/1"};
static const char *const controls[] = {"iddo", "eddo"};
static const char *const residencies[] = {"auto", "6-6/6-6/6-6", "3-4/5-6/3-3", "0-3/2-5/4-6",
                                          "0-0/0-0/0-0"};
#define WORD_LIST(list) list, (int64_t)(sizeof(list) / sizeof(list[0]))
static const struct axis {
    const char *name;
    axis_kind kind;
    const char *const *words;
    int64_t word_count;
    int64_t percent; /* how often it has more than its default */
} axes[] = {
    {"TM", TILES, NULL, 0, 100},
    {"TN", TILES, NULL, 0, 100},
    {"TK", TILES, NULL, 0, 100},
    {"BM", BLOCKS, NULL, 0, 30},
    {"BN", BLOCKS, NULL, 0, 30},
    {"BK", BLOCKS, NULL, 0, 30},
    {"dataflow", WORDS, WORD_LIST(flows), 80},
    {"swap", WORDS, WORD_LIST(swaps), 40},
    {"order", WORDS, WORD_LIST(orders), 25},
    {"d3", WORDS, WORD_LIST(triples), 40},
    {"d2", WORDS, WORD_LIST(triples), 40},
    {"d1", BUFFERS, NULL, 0, 40},
    {"control", WORDS, WORD_LIST(controls), 25},
    {"eddo_window", BUFFERS, NULL, 0, 15},
    {"residency", WORDS, WORD_LIST(residencies), 25},
};
enum { AXES = sizeof axes / sizeof *axes };

static int64_t put_axis(random_stream *random, char *text, const struct axis *axis, int64_t most)
{
    int64_t count = 0;
    most = most < 6 ? most : 6;
    put(text, "%s = ", axis->name);
    switch (axis->kind) {
    case TILES: count = put_numbers(random, text, 1, 48, most); break;
    case BLOCKS: count = put_blocks(random, text, most < 3 ? most : 3); break;
    case WORDS: count = put_words(random, text, axis->words, axis->word_count, most); break;
    case BUFFERS: count = put_numbers(random, text, 1, 4, most < 3 ? most : 3); break;
    }
    put(text, "\n");
    return count;
}

/* The axes get what is left of `limit`, in a random turn, and two of equal length may go in step.
 */
static void put_space(random_stream *random, char *text, int64_t limit)
{
    int64_t counts[AXES] = {0};
    int64_t left = limit;
    put(text, "[space]\n");
    size_t first = (size_t)random_between(random, 0, AXES - 1);
    for (size_t i = 0; i < AXES; i++) {
        size_t a = (first + 7 * i) % AXES;
        if (!random_chance(random, axes[a].percent))
            continue;
        counts[a] = put_axis(random, text, &axes[a], left);
        left /= counts[a];
    }
    for (size_t a = 0; a < AXES && random_chance(random, 40); a++)
        for (size_t b = a + 1; b < AXES; b++)
            if (counts[a] > 1 && counts[a] == counts[b]) {
                put(text, "[lockstep]\ngroup = %s, %s\n", axes[a].name, axes[b].name);
                return;
            }
}

/* ---- The rest ----------------------------------------------------------------------------- */

static void put_objectives(random_stream *random, char *text)
{
    static const char *const usual[] = {"cycles, energy_pj", "cycles, dram_bytes, footprint_bytes"};
    if (random_chance(random, 40)) {
        put(text, "objectives = %s\n", PICK(random, usual));
        return;
    }
    int64_t count = random_between(random, 1, 4), chosen[4];
    put(text, "objectives = ");
    for (int64_t i = 0; i < count;) {
        int64_t metric = random_between(random, 0, (int64_t)kpu_metric_count() - 1);
        bool fresh = kpu_metric_at((size_t)metric)->sense != KPU_SENSE_NONE;
        for (int64_t j = 0; j < i; j++)
            fresh &= chosen[j] != metric;
        if (!fresh)
            continue;
        chosen[i] = metric;
        put(text, "%s%s", i++ ? ", " : "", kpu_metric_at((size_t)metric)->name);
    }
    put(text, "\n");
}

static void put_workload(random_stream *random, char *text, int64_t gemms)
{
    static const char *const types[] = {"fp32", "bf16", "int8", "A=int8 B=int16 C=int8 P=int32"};
    put(text, "[workload]\nelement_types = %s\ngemms = ", PICK(random, types));
    for (int64_t g = 0; g < gemms; g++)
        put(text, "%sg%lld:%lldx%lldx%lld", g ? ", " : "", (long long)g,
            (long long)random_between(random, 1, 40), (long long)random_between(random, 1, 40),
            (long long)random_between(random, 1, 40));
    put(text, "\n");
}

static int64_t put_machine_axes(random_stream *random, char *text)
{
    static const char *const keys[] = {"l3.tile_kib", "l2.bank_kib", "dram.channels",
                                       "fabric.registers_per_pe", "dma.latency"};
    if (random_chance(random, 60))
        return 1;
    put(text, "[machine_axes]\n%s = ", PICK(random, keys));
    int64_t count = put_numbers(random, text, 1, 12, 4);
    put(text, "\n");
    return count;
}

static void put_constraints(random_stream *random, char *text)
{
    static const char *const rules[] = {"TM <= TN", "TM < M + 8 and TN < N + 8",
                                        "(TM + TK) % 2 == 0", "dataflow != os or d1 > 1",
                                        "TK == 0"};
    if (random_chance(random, 35))
        put(text, "[constraints]\nrule = %s\n", PICK(random, rules));
}

void random_space_draw(uint64_t seed, uint64_t number, int64_t limit, random_space *out)
{
    random_stream random = {.seed = seed, .stream = number};
    out->machines = random_chance(&random, 25) ? 2 : 1;
    for (size_t m = 0; m < out->machines; m++) {
        random_case c;
        random_case_draw(seed, 2 * number + m, &c);
        put_machine(out->machine[m], &c.machine);
    }
    out->sweep[0] = '\0';
    put(out->sweep, "[sweep]\nname = random\nmachines = m0%s\n", out->machines > 1 ? ", m1" : "");
    put_objectives(&random, out->sweep);
    int64_t gemms = random_chance(&random, 40) ? random_between(&random, 2, 3) : 1;
    put_workload(&random, out->sweep, gemms);
    int64_t variants = put_machine_axes(&random, out->sweep) * (int64_t)out->machines;
    int64_t each = limit / gemms / variants;
    put_space(&random, out->sweep, each > 1 ? each : 1);
    put_constraints(&random, out->sweep);
}

kpu_space *random_space_make(const random_space *what)
{
    const kpu_space_file files[RANDOM_MACHINES] = {{"configs/m0.ini", what->machine[0]},
                                                   {"configs/m1.ini", what->machine[1]}};
    kpu_ini ini = {0};
    kpu_diag diag = {0};
    kpu_space *space = NULL;
    if (kpu_ini_parse("random.ini", what->sweep, strlen(what->sweep), KPU_FILE_SWEEP, &ini,
                      &diag) == KPU_OK)
        kpu_space_make_kept(&ini, files, what->machines, &space, &diag);
    char *complaints = diag.count ? kpu_diag_render(&diag) : NULL;
    if (complaints)
        fputs(complaints, stderr);
    free(complaints);
    kpu_diag_fini(&diag);
    kpu_ini_fini(&ini);
    return space;
}

void random_space_print(const random_space *what, FILE *file)
{
    for (size_t m = 0; m < what->machines; m++)
        fprintf(file, "; m%zu.ini\n%s\n", m, what->machine[m]);
    fprintf(file, "; random.ini\n%s\n", what->sweep);
}
