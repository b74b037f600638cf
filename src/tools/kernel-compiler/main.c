/* kpu-kernel-compiler: graph -> tiling -> DFX -> object. */
#include <string.h>

#include "compile.h"

#define OPTION(name, letter, kind, field, argument, help, min, max)                                \
    {                                                                                              \
        name, letter, KPU_OPTION_##kind, offsetof(compiler_values, field), argument, help, min,    \
            max                                                                                    \
    }

static const kpu_option options[] = {
    OPTION("output", 'o', TEXT, output, "FILE.kpu", "the object file to write", 0, 0),
    OPTION("format", 0, TEXT, format, "F", "of the object: json (default) or binary", 0, 0),
    OPTION("machine", 'm', TEXT, c.machine, "M",
           "machine to choose tilings for: a file, or a name in configs/ (default: default)", 0, 0),
    OPTION("set", 0, LIST, c.set, "S.K=V",
           "override a key of the machine, as l2.banks=4; again and again", 0, 0),
    OPTION("dataflow", 0, TEXT, c.dataflow, "D",
           "output-stationary, weight-stationary, input-stationary (or os, ws, is), or auto "
           "(default): chosen",
           0, 0),
    OPTION("tile", 0, TEXT, c.tile, "TMxTNxTK", "tile sizes; without it they are chosen", 0, 0),
    OPTION("tile-strategy", 0, TEXT, strategy, "S",
           "who chooses: analytical (default), search or exact", 0, 0),
    OPTION("objective", 0, TEXT, objective, "METRIC",
           "what a strategy minimises, or maximises (default: cycles); kpu-dse metrics lists them",
           0, 0),
    OPTION("from", 0, TEXT, from, "FILE.h5:ID",
           "machine, dataflow and tiling of a candidate of a results file", 0, 0),
    OPTION("min-tile-elements", 0, INT, min_tile_elements, "N",
           "no tile of A, B or C with fewer elements", 0, INT64_C(1) << 40),
    OPTION("max-tiles-per-dim", 0, INT, max_tiles_per_dim, "N",
           "no more tiles along M, N or K; 0 any number (default)", 0, INT64_C(1) << 40),
    OPTION("target-reuse", 0, TEXT, target_reuse, "R",
           "at least R MACs per DRAM byte, if any tiling has it", 0, 0),
    OPTION("prefer-square", 0, FLAG, prefer_square, NULL,
           "of equals, the tile whose TM and TN are nearest in ratio", 0, 0),
    OPTION("budget", 0, INT, budget, "N", "tilings that the strategy search times (default 2000)",
           0, 1000000000),
    OPTION("threads", 'j', INT, threads, "N",
           "threads of search and exact; without it one a core. No result depends on it", 1, 4096),
    OPTION("block", 0, TEXT, c.block, "BMxBNxBK", "block sizes, 0 the whole dimension (default)", 0,
           0),
    OPTION("order", 0, TEXT, c.order, "ORDER",
           "order of the block loops, a permutation of mnk (default)", 0, 0),
    OPTION("swap", 0, FLAG, c.swap, NULL, "exchange the two outer tile loops of the dataflow", 0,
           0),
    OPTION("buffering", 0, TEXT, buffering, "D3/D2/D1",
           "buffering in L3, L2 and L1 (default 2/2/2)", 0, 0),
    OPTION("d3", 0, TEXT, c.d3, "N | A/B/C", "buffering in L3, one number or three", 0, 0),
    OPTION("d2", 0, TEXT, c.d2, "N | A/B/C", "buffering in L2, one number or three", 0, 0),
    OPTION("d1", 0, TEXT, c.d1, "N", "buffering in L1", 0, 0),
    OPTION("control", 0, TEXT, c.control, "C", "iddo (default) or eddo", 0, 0),
    OPTION("eddo-window", 0, TEXT, c.eddo_window, "N",
           "commands among which eddo chooses (default 32)", 0, 0),
    OPTION("residency", 0, TEXT, c.residency, "R",
           "auto (default), or hoists L3-L2 of A/B/C as 3-4/6-6/6-6", 0, 0),
    OPTION("dump", 0, FLAG, dump, NULL, "print the graph as it was read, as JSON", 0, 0),
    OPTION("emit-dfx", 0, FLAG, emit_dfx, NULL, "print the program as DFX text", 0, 0),
    OPTION("emit-flat", 0, FLAG, emit_flat, NULL,
           "print each kernel unrolled, operation by operation, as JSON", 0, 0),
    OPTION("listing", 0, TEXT, listing, "FILE", "print all that to a file", 0, 0),
    OPTION("verbose", 'v', FLAG, verbose, NULL,
           "say why which dataflow and tile, on the standard error", 0, 0),
};

static int check_usage(const compiler_values *v, const char *graph, kpu_diag *diag)
{
    bool prints = v->dump || v->emit_dfx || v->emit_flat;
    if (!v->output && !prints)
        return kpu_diag_add(diag, KPU_E_USAGE,
                            "what for? Give -o FILE.kpu, or --dump, --emit-dfx or --emit-flat");
    if (v->listing && !prints)
        return kpu_diag_add(diag, KPU_E_USAGE, "--listing needs --dump, --emit-dfx or --emit-flat");
    return compiler_check_files(v, graph, diag);
}

static int run(const kpu_call *call)
{
    int status = check_usage(call->values, call->operands[0], call->diag);
    return status ? status : compiler_run(call->values, call->operands[0], call->diag);
}

static const kpu_tool_command command = {
    .name = "kpu-kernel-compiler",
    .is_program = true,
    .operands = "GRAPH",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "compile a graph of matrix multiplications (.dfg or JSON) into an object file",
    .details = "Example:\n"
               "  kpu-kernel-compiler matmul.dfg -o matmul.kpu --tile-strategy exact -v\n"
               "\n"
               "What is printed with --dump, --emit-dfx and --emit-flat goes to the standard\n"
               "output, or to the file of --listing.\n",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .values_bytes = sizeof(compiler_values),
    .run = run,
};

static int dispatch(int argc, char **argv, kpu_diag *diag)
{
    return kpu_program_call(&command, argc, argv, diag);
}

int main(int argc, char **argv)
{
    return kpu_program_main(argc, argv, dispatch);
}
