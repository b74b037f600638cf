/* What --verbose says. */
#include <inttypes.h>
#include <string.h>

#include "compile.h"
#include "kpu/report.h"

enum { WIDTH = 79, INDENT = 2 };

/* The words of a line, wrapped; what follows the first one stands further in. */
static void put_wrapped(const char *line, int indent, kpu_text *out)
{
    int at = indent, column = indent;
    kpu_text_repeat(out, ' ', indent);
    while (*line) {
        int length = (int)strcspn(line, " ");
        if (at > column && at + 1 + length > WIDTH) {
            kpu_text_put(out, "\n");
            at = column = indent + INDENT;
            kpu_text_repeat(out, ' ', column);
        } else if (at > column) {
            kpu_text_put(out, " ");
            at++;
        }
        kpu_text_put_bytes(out, line, (size_t)length);
        at += length;
        line += length;
        line += strspn(line, " ");
    }
    kpu_text_put(out, "\n");
}

static void put_matrix(const kpu_dfx *dfx, const kpu_dfx_kernel *kernel, int operand, kpu_text *out)
{
    kpu_text_format(out, "%s[%s]%s", dfx->tensors[kernel->tensor[operand]].name,
                    kpu_dtype_name(kernel->dtype[operand]),
                    kernel->transposed[operand] ? "^T" : "");
}

/* "mm0: C[f32] = A[f32] * B[f32]^T, 1024x1024x512, sums in f32, 8 times" */
static void put_kernel(const kpu_dfx *dfx, const kpu_dfx_kernel *kernel, kpu_text *out)
{
    kpu_text_format(out, "%s: ", kernel->name);
    put_matrix(dfx, kernel, KPU_C, out);
    kpu_text_put(out, " = ");
    put_matrix(dfx, kernel, KPU_A, out);
    kpu_text_put(out, " * ");
    put_matrix(dfx, kernel, KPU_B, out);
    kpu_text_format(out, ", %" PRId64 "x%" PRId64 "x%" PRId64 ", sums in %s", kernel->dim[KPU_M],
                    kernel->dim[KPU_N], kernel->dim[KPU_K], kpu_dtype_name(kernel->partial_dtype));
    if (kernel->batch > 1)
        kpu_text_format(out, ", %" PRId64 " times", kernel->batch);
}

static void put_mapping(const kpu_mapping *m, kpu_text *out)
{
    static const char letters[] = "mnk", operands[] = "ABC";
    kpu_text_format(out, "%s, tile %" PRId64 "x%" PRId64 "x%" PRId64 ", loops ",
                    kpu_dataflow_names[m->dataflow], m->tile[KPU_M], m->tile[KPU_N],
                    m->tile[KPU_K]);
    for (int i = 0; i < KPU_NEST; i++)
        kpu_text_format(out, "%s%c", i == KPU_BLOCK_LOOPS ? " " : "", letters[m->loop_dim[i]]);
    kpu_text_format(out, ", %s, hoists", kpu_control_names[m->control]);
    for (int x = 0; x < KPU_OPERANDS; x++)
        kpu_text_format(out, "%s%c %" PRId64 "-%" PRId64, x > 0 ? ", " : " ", operands[x],
                        m->hoist[x][KPU_HOIST_L3], m->hoist[x][KPU_HOIST_L2]);
}

static void put_footprint(const kpu_mapping *m, const kpu_machine *machine, kpu_text *out)
{
    const struct {
        const char *name;
        int64_t bytes;
        int level;
    } levels[] = {{"l3", m->l3_bytes, KPU_LEVEL_L3},
                  {"l2", m->l2_bytes, KPU_LEVEL_L2},
                  {"l1", m->l1_bytes, KPU_LEVEL_L1}};
    kpu_text_put(out, "memory: ");
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        kpu_text_format(out, "%s ", levels[i].name);
        kpu_text_put_size(out, levels[i].bytes);
        kpu_text_put(out, " of ");
        kpu_text_put_size(out, kpu_machine_capacity_bytes(machine, levels[i].level));
        kpu_text_put(out, ", ");
    }
    kpu_text_format(out, "%" PRId64 " of %" PRId64 " registers", m->registers_per_pe,
                    machine->registers_per_pe);
}

static void put_hints(const kpu_dfx_kernel_hints *hints, kpu_text *out)
{
    kpu_text_put(out, "moves: dram ");
    kpu_text_put_size(out, hints->dram_bytes);
    kpu_text_put(out, ", l3-l2 ");
    kpu_text_put_size(out, hints->l3_l2_bytes);
    kpu_text_put(out, ", l2-l1 ");
    kpu_text_put_size(out, hints->l2_l1_bytes);
    kpu_text_format(out, "; %.4g MACs per dram byte; reuse in l3: A %.4g, B %.4g, C %.4g",
                    hints->arithmetic_intensity, hints->reuse[KPU_A], hints->reuse[KPU_B],
                    hints->reuse[KPU_C]);
}

static void put_compute(const kpu_dfx_kernel_hints *hints, kpu_text *out)
{
    kpu_text_put(out, "computes: ");
    kpu_text_put_grouped(out, hints->compute_cycles);
    kpu_text_put(out, " cycles, ");
    kpu_text_put_grouped(out, hints->parallelism_degree);
    kpu_text_format(out, " independent tile%s of C", hints->parallelism_degree == 1 ? "" : "s");
}

/* Adds the line to `out` and makes room for the next one. */
static void end_line(kpu_text *line, int indent, kpu_text *out)
{
    if (line->failed)
        out->failed = true;
    else
        put_wrapped(line->data, indent, out);
    kpu_text_clear(line);
}

void compiler_explain(const kpu_dfx *dfx, const compiler_choice *choices,
                      const kpu_machine *machine, kpu_text *out)
{
    kpu_text line = {0};
    for (size_t i = 0; i < dfx->kernel_count; i++) {
        const kpu_dfx_kernel *kernel = &dfx->kernels[i];
        put_kernel(dfx, kernel, &line);
        end_line(&line, 0, out);
        kpu_text_put(&line, choices[i].why);
        end_line(&line, INDENT, out);
        put_mapping(&choices[i].mapping, &line);
        end_line(&line, INDENT, out);
        put_footprint(&choices[i].mapping, machine, &line);
        end_line(&line, INDENT, out);
        put_hints(&kernel->hints, &line);
        end_line(&line, INDENT, out);
        put_compute(&kernel->hints, &line);
        end_line(&line, INDENT, out);
    }
    kpu_text_fini(&line);
}
