#include "kpu/base.h"

static const struct {
    const char *text;
    int exit_code;
} errors[] = {
#define KPU_X(code, meaning, exit) [code] = {meaning, exit},
    KPU_ERROR_LIST(KPU_X)
#undef KPU_X
};

static bool is_known(int code)
{
    return code >= 0 && (size_t)code < sizeof errors / sizeof errors[0];
}

const char *kpu_error_text(int code)
{
    return is_known(code) ? errors[code].text : "unknown error";
}

int kpu_error_exit_code(int code)
{
    return is_known(code) ? errors[code].exit_code : errors[KPU_E_INTERNAL].exit_code;
}
