/* The operations of one step: each operand's path down to the array, and C's way back. */
#include "compiler/dfx_private.h"

#include "mapping/dataflow.h"

static void depend(kpu_dfx_operation *operation, int on)
{
    operation->depends_on[operation->depends_count++] = on + 1;
}

static kpu_dfx_operation move(int subtype, int operand, int source, int dest)
{
    return (kpu_dfx_operation){
        .type = KPU_DFX_DATA_MOVE,
        .subtype = (uint8_t)subtype,
        .operand = (uint8_t)operand,
        .source = (uint8_t)source,
        .dest = (uint8_t)dest,
        .hoist = KPU_NEST,
        .unless_fresh = subtype == KPU_DFX_LOAD && operand == KPU_C,
    };
}

static void make_loads(const kpu_dfx_body_shape *shape, int stationary, kpu_dfx_operation *body)
{
    for (int x = 0; x < KPU_OPERANDS; x++) {
        kpu_dfx_operation *l3 = &body[KPU_DFX_LOAD_L3 + x], *l2 = &body[KPU_DFX_LOAD_L2 + x];
        kpu_dfx_operation *stream = &body[KPU_DFX_STREAM + x];
        *l3 = move(KPU_DFX_LOAD, x, KPU_DFX_EXTERNAL, KPU_DFX_L3);
        l3->when = KPU_DFX_FIRST_USE;
        l3->hoist = shape->hoist[x][KPU_HOIST_L3];
        *l2 = move(KPU_DFX_LOAD, x, KPU_DFX_L3, KPU_DFX_L2);
        l2->when = KPU_DFX_FIRST_USE;
        l2->hoist = shape->hoist[x][KPU_HOIST_L2];
        l2->transpose = shape->transposed[x];
        depend(l2, KPU_DFX_LOAD_L3 + x);
        *stream =
            move(KPU_DFX_LOAD, x, KPU_DFX_L2, x == stationary ? KPU_DFX_REGISTER : KPU_DFX_L1);
        stream->when = x == stationary ? KPU_DFX_RUN_BEGINS : KPU_DFX_EVERY_STEP;
        depend(stream, KPU_DFX_LOAD_L2 + x);
    }
}

static void make_stores(const kpu_dfx_body_shape *shape, int sums, kpu_dfx_operation *body)
{
    kpu_dfx_operation *l2 = &body[KPU_DFX_STORE_L2], *l3 = &body[KPU_DFX_STORE_L3];
    kpu_dfx_operation *external = &body[KPU_DFX_STORE_EXTERNAL];
    *l2 = move(KPU_DFX_STORE, KPU_C, sums, KPU_DFX_L2);
    l2->when = sums == KPU_DFX_REGISTER ? KPU_DFX_RUN_ENDS : KPU_DFX_EVERY_STEP;
    depend(l2, KPU_DFX_MATMUL);
    *l3 = move(KPU_DFX_STORE, KPU_C, KPU_DFX_L2, KPU_DFX_L3);
    l3->when = KPU_DFX_WINDOW_ENDS;
    l3->hoist = shape->hoist[KPU_C][KPU_HOIST_L2];
    depend(l3, KPU_DFX_STORE_L2);
    *external = move(KPU_DFX_STORE, KPU_C, KPU_DFX_L3, KPU_DFX_EXTERNAL);
    external->when = KPU_DFX_WINDOW_ENDS;
    external->hoist = shape->hoist[KPU_C][KPU_HOIST_L3];
    depend(external, KPU_DFX_STORE_L3);
}

void kpu_dfx_make_body(const kpu_dfx_body_shape *shape, kpu_dfx_operation body[KPU_DFX_BODY])
{
    int stationary = kpu_dataflow_stationary(kpu_dataflow_at(shape->dataflow));
    int sums = stationary == KPU_C ? KPU_DFX_REGISTER : KPU_DFX_L1; /* where C accumulates */
    make_loads(shape, stationary, body);
    kpu_dfx_operation *matmul = &body[KPU_DFX_MATMUL], *end = &body[KPU_DFX_END];
    *matmul = (kpu_dfx_operation){
        .type = KPU_DFX_COMPUTE,
        .subtype = KPU_DFX_MATMUL_TILE,
        .operand = KPU_C,
        .source = KPU_DFX_L1,
        .dest = (uint8_t)sums,
        .when = KPU_DFX_EVERY_STEP,
        .hoist = KPU_NEST,
        .accumulate = shape->accumulate,
    };
    for (int x = 0; x < KPU_OPERANDS; x++)
        depend(matmul, KPU_DFX_STREAM + x);
    make_stores(shape, sums, body);
    *end = (kpu_dfx_operation){
        .type = KPU_DFX_BARRIER,
        .operand = KPU_C,
        .when = KPU_DFX_KERNEL_ENDS,
        .hoist = KPU_NEST,
    };
    depend(end, KPU_DFX_STORE_EXTERNAL);
    for (int i = 0; i < KPU_DFX_BODY; i++)
        body[i].produces = body[i].id = i + 1;
}
