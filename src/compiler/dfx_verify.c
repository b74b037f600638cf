/* What makes a program legal: its tensors, and who writes what others read. */
#include "compiler/dfx_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Complaints --------------------------------------------------------------------------- */

/* "LOAD of A from L2 to L1", as far as its words are known. */
static void put_operation(kpu_text *out, const kpu_dfx_operation *operation)
{
    if (operation->type != KPU_DFX_DATA_MOVE || operation->subtype >= KPU_DFX_SUBTYPES ||
        operation->operand >= KPU_OPERANDS || operation->source >= KPU_DFX_LEVELS ||
        operation->dest >= KPU_DFX_LEVELS)
        return;
    kpu_text_format(out, " (%s of %s from %s to %s)", kpu_dfx_subtype_names[operation->subtype],
                    kpu_dfx_operand_names[operation->operand],
                    kpu_dfx_level_names[operation->source], kpu_dfx_level_names[operation->dest]);
}

static void put_part(kpu_text *out, const kpu_dfx *dfx, kpu_dfx_part_id id)
{
    if (id.part == KPU_DFX_PART_PROGRAM)
        return;
    if (id.part == KPU_DFX_PART_TENSOR) {
        kpu_text_format(out, "tensor '%s': ", dfx->tensors[id.owner].name);
        return;
    }
    const kpu_dfx_kernel *kernel = &dfx->kernels[id.owner];
    kpu_text_format(out, "kernel '%s'", kernel->name);
    if (id.part == KPU_DFX_PART_LOOP)
        kpu_text_format(out, ", loop %zu (%s)", id.index + 1, kernel->loops[id.index].var);
    else if (id.part == KPU_DFX_PART_ALLOCATION)
        kpu_text_format(out, ", allocation %zu", id.index + 1);
    else if (id.part == KPU_DFX_PART_OPERATION) {
        kpu_text_format(out, ", operation %zu", id.index + 1);
        put_operation(out, &kernel->operations[id.index]);
    }
    kpu_text_put(out, ": ");
}

bool kpu_dfx_check_full(const kpu_dfx_check *check)
{
    return check->complaints >= KPU_DFX_ERRORS_MAX;
}

void kpu_dfx_complain(kpu_dfx_check *check, kpu_dfx_part_id id, const char *format, ...)
{
    if (check->code == KPU_OK)
        check->code = KPU_E_INPUT;
    if (kpu_dfx_check_full(check))
        return;
    check->complaints++;
    char *message = NULL;
    va_list list;
    va_start(list, format);
    if (vasprintf(&message, format, list) < 0)
        message = NULL;
    va_end(list);
    kpu_text subject = {0};
    put_part(&subject, check->dfx, id);
    kpu_place place = {.file = check->file};
    if (check->locator)
        place = check->locator->place(check->locator->context, id);
    kpu_diag_add_at(check->diag, KPU_E_INPUT, &place, "%s%s", subject.data ? subject.data : "",
                    message ? message : "out of memory");
    kpu_text_fini(&subject);
    free(message);
}

/* ---- Names -------------------------------------------------------------------------------- */

typedef struct named {
    const char *name;
    size_t index;
} named;

static int compare_names(const void *a, const void *b)
{
    const named *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order != 0 ? order : (x->index > y->index) - (x->index < y->index);
}

static void check_name(kpu_dfx_check *check, kpu_dfx_part_id id, const char *name)
{
    size_t bytes = strlen(name);
    if (bytes == 0 || bytes > KPU_GRAPH_NAME_MAX)
        kpu_dfx_complain(check, id, "a name of %zu bytes: expected 1 to %d", bytes,
                         KPU_GRAPH_NAME_MAX);
    else if (kpu_text_first_junk(name, bytes) < bytes)
        kpu_dfx_complain(check, id, "byte %zu of its name is no text",
                         kpu_text_first_junk(name, bytes) + 1);
}

/* Each name is one, and nobody else's. */
static void check_names(kpu_dfx_check *check, enum kpu_dfx_part part, named *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_name(check, (kpu_dfx_part_id){part, names[i].index, 0}, names[i].name);
    qsort(names, count, sizeof *names, compare_names);
    for (size_t i = 1; i < count; i++)
        if (strcmp(names[i].name, names[i - 1].name) == 0)
            kpu_dfx_complain(check, (kpu_dfx_part_id){part, names[i].index, 0},
                             "that name is taken by an earlier %s",
                             part == KPU_DFX_PART_TENSOR ? "tensor" : "kernel");
}

static void check_all_names(kpu_dfx_check *check)
{
    const kpu_dfx *dfx = check->dfx;
    size_t most = dfx->tensor_count > dfx->kernel_count ? dfx->tensor_count : dfx->kernel_count;
    named *names = calloc(most + 1, sizeof *names);
    if (!names) {
        check->code = KPU_E_MEMORY;
        return;
    }
    check_name(check, (kpu_dfx_part_id){KPU_DFX_PART_PROGRAM, 0, 0}, dfx->graph_name);
    for (size_t i = 0; i < dfx->tensor_count; i++)
        names[i] = (named){dfx->tensors[i].name, i};
    check_names(check, KPU_DFX_PART_TENSOR, names, dfx->tensor_count);
    for (size_t i = 0; i < dfx->kernel_count; i++)
        names[i] = (named){dfx->kernels[i].name, i};
    check_names(check, KPU_DFX_PART_KERNEL, names, dfx->kernel_count);
    free(names);
}

/* ---- Tensors ------------------------------------------------------------------------------ */

static bool check_tensor(kpu_dfx_check *check, size_t index)
{
    const kpu_dfx_tensor *tensor = &check->dfx->tensors[index];
    const kpu_dfx_part_id id = {KPU_DFX_PART_TENSOR, index, 0};
    int before = check->complaints;
    if (tensor->dtype < 0 || tensor->dtype >= KPU_DTYPES)
        kpu_dfx_complain(check, id, "element type number %d is none", tensor->dtype);
    if (tensor->role >= KPU_DFX_ROLES)
        kpu_dfx_complain(check, id, "role number %d is none", tensor->role);
    if (tensor->rank < 0 || tensor->rank > KPU_RANK_MAX) {
        kpu_dfx_complain(check, id, "rank %d: expected 0 to %d", tensor->rank, KPU_RANK_MAX);
        return false;
    }
    int64_t bytes =
        tensor->dtype >= 0 && tensor->dtype < KPU_DTYPES ? kpu_dtype_bytes(tensor->dtype) : 1;
    for (int i = 0; i < tensor->rank; i++)
        if (tensor->shape[i] < 1 || tensor->shape[i] > KPU_WORKLOAD_DIM_MAX) {
            kpu_dfx_complain(check, id, "dimension %d is %lld: expected 1 to %lld", i + 1,
                             (long long)tensor->shape[i], (long long)KPU_WORKLOAD_DIM_MAX);
            return false;
        } else if (kpu_mul_overflows(bytes, tensor->shape[i], &bytes) ||
                   bytes > KPU_WORKLOAD_PRODUCT_MAX) {
            kpu_dfx_complain(check, id, "more than %lld bytes",
                             (long long)KPU_WORKLOAD_PRODUCT_MAX);
            return false;
        }
    return check->complaints == before;
}

/* ---- Who reads, who writes ---------------------------------------------------------------- */

/* Of each tensor, the kernel that writes it, or -1; true for those that somebody touches. */
typedef struct tensor_users {
    int32_t *writer;
    bool *touched;
} tensor_users;

static void check_writer(kpu_dfx_check *check, tensor_users *users, size_t kernel)
{
    const kpu_dfx *dfx = check->dfx;
    const kpu_dfx_part_id id = {KPU_DFX_PART_KERNEL, kernel, 0};
    int32_t written = dfx->kernels[kernel].tensor[KPU_C];
    const kpu_dfx_tensor *tensor = &dfx->tensors[written];
    if (users->writer[written] >= 0)
        kpu_dfx_complain(check, id, "writes '%s', which kernel '%s' writes too", tensor->name,
                         dfx->kernels[users->writer[written]].name);
    else if (tensor->role == KPU_DFX_INPUT || tensor->role == KPU_DFX_CONSTANT)
        kpu_dfx_complain(check, id, "writes '%s', which comes from outside (%s)", tensor->name,
                         kpu_dfx_role_names[tensor->role]);
    else
        users->writer[written] = (int32_t)kernel;
}

static void check_reads(kpu_dfx_check *check, const tensor_users *users, size_t kernel)
{
    const kpu_dfx *dfx = check->dfx;
    const kpu_dfx_part_id id = {KPU_DFX_PART_KERNEL, kernel, 0};
    for (int x = KPU_A; x <= KPU_B; x++) {
        int32_t read = dfx->kernels[kernel].tensor[x];
        int32_t writer = users->writer[read];
        if (writer >= (int32_t)kernel)
            kpu_dfx_complain(check, id, "reads '%s' before kernel '%s' has written it",
                             dfx->tensors[read].name, dfx->kernels[writer].name);
    }
}

static bool waits_for(const kpu_dfx_kernel *kernel, int32_t other)
{
    for (size_t i = 0; i < kernel->depends_count; i++)
        if (kernel->depends_on[i] == other)
            return true;
    return false;
}

/* A kernel waits for the writers of A and B, in ascending order, and for nobody else. */
static void check_waits(kpu_dfx_check *check, const tensor_users *users, size_t index)
{
    const kpu_dfx *dfx = check->dfx;
    const kpu_dfx_kernel *kernel = &dfx->kernels[index];
    const kpu_dfx_part_id id = {KPU_DFX_PART_KERNEL, index, 0};
    int32_t wanted[] = {users->writer[kernel->tensor[KPU_A]], users->writer[kernel->tensor[KPU_B]]};
    for (int i = 0; i < 2; i++)
        if (wanted[i] >= 0 && wanted[i] < (int32_t)index && !waits_for(kernel, wanted[i]) &&
            !(i == 1 && wanted[0] == wanted[1]))
            kpu_dfx_complain(check, id, "reads what kernel '%s' writes, but does not wait for it",
                             dfx->kernels[wanted[i]].name);
    int64_t last = -1;
    for (size_t i = 0; i < kernel->depends_count; i++) {
        int32_t other = kernel->depends_on[i];
        if (other < 0 || (size_t)other >= dfx->kernel_count)
            kpu_dfx_complain(check, id, "waits for kernel %d, but there are %zu", other,
                             dfx->kernel_count);
        else if (other != wanted[0] && other != wanted[1])
            kpu_dfx_complain(check, id, "waits for kernel '%s', but reads nothing of it",
                             dfx->kernels[other].name);
        else if (other <= last)
            kpu_dfx_complain(check, id, "the kernels that it waits for are not in their order");
        if (kpu_dfx_check_full(check))
            return;
        last = other;
    }
}

static void check_tensor_uses(kpu_dfx_check *check, const tensor_users *users)
{
    const kpu_dfx *dfx = check->dfx;
    for (size_t t = 0; t < dfx->tensor_count && !kpu_dfx_check_full(check); t++) {
        const kpu_dfx_part_id id = {KPU_DFX_PART_TENSOR, t, 0};
        uint8_t role = dfx->tensors[t].role;
        if (!users->touched[t])
            kpu_dfx_complain(check, id, "no kernel reads or writes it");
        else if (users->writer[t] < 0 && role != KPU_DFX_INPUT && role != KPU_DFX_CONSTANT)
            kpu_dfx_complain(check, id,
                             "no kernel writes it, but it does not come from outside "
                             "(%s)",
                             kpu_dfx_role_names[role]);
    }
}

static void check_users(kpu_dfx_check *check)
{
    const kpu_dfx *dfx = check->dfx;
    tensor_users users = {malloc((dfx->tensor_count + 1) * sizeof *users.writer),
                          calloc(dfx->tensor_count + 1, sizeof *users.touched)};
    if (users.writer && users.touched) {
        for (size_t t = 0; t < dfx->tensor_count; t++)
            users.writer[t] = -1;
        for (size_t k = 0; k < dfx->kernel_count; k++) {
            for (int x = 0; x < KPU_OPERANDS; x++)
                users.touched[dfx->kernels[k].tensor[x]] = true;
            check_writer(check, &users, k);
        }
        for (size_t k = 0; k < dfx->kernel_count && !kpu_dfx_check_full(check); k++) {
            check_reads(check, &users, k);
            check_waits(check, &users, k);
        }
        check_tensor_uses(check, &users);
    } else {
        check->code = KPU_E_MEMORY;
    }
    free(users.writer);
    free(users.touched);
}

/* ---- All of it ---------------------------------------------------------------------------- */

static bool check_counts(kpu_dfx_check *check)
{
    const kpu_dfx *dfx = check->dfx;
    const kpu_dfx_part_id id = {KPU_DFX_PART_PROGRAM, 0, 0};
    if (dfx->tensor_count > KPU_DFX_TENSORS_MAX)
        kpu_dfx_complain(check, id, "%zu tensors: at most %d are allowed", dfx->tensor_count,
                         KPU_DFX_TENSORS_MAX);
    if (dfx->kernel_count < 1 || dfx->kernel_count > KPU_DFX_KERNELS_MAX)
        kpu_dfx_complain(check, id, "%zu kernels: expected 1 to %d", dfx->kernel_count,
                         KPU_DFX_KERNELS_MAX);
    return check->complaints == 0;
}

int kpu_dfx_verify_at(const kpu_dfx *dfx, const char *file, const kpu_dfx_locator *locator,
                      kpu_diag *diag)
{
    kpu_dfx_check check = {.dfx = dfx, .file = file, .locator = locator, .diag = diag};
    if (!check_counts(&check))
        return check.code;
    check_all_names(&check);
    bool tensors_fine = true;
    for (size_t t = 0; t < dfx->tensor_count && !kpu_dfx_check_full(&check); t++)
        tensors_fine = check_tensor(&check, t) && tensors_fine;
    bool uses_known = tensors_fine; /* kernels look at their tensors */
    for (size_t k = 0; k < dfx->kernel_count && tensors_fine && !kpu_dfx_check_full(&check); k++)
        uses_known = kpu_dfx_check_kernel(&check, k) && uses_known;
    if (uses_known && !kpu_dfx_check_full(&check))
        check_users(&check);
    if (check.code == KPU_E_MEMORY)
        kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    return check.code;
}

int kpu_dfx_verify(const kpu_dfx *dfx, const char *file, kpu_diag *diag)
{
    return kpu_dfx_verify_at(dfx, file, NULL, diag);
}
