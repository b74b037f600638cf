/* Views: results files whose columns lie in other files, as HDF5's virtual datasets. */
#ifndef KPU_STORE_VIRTUAL_H
#define KPU_STORE_VIRTUAL_H

#include "store/read.h"

/* Whether the columns that lie in other files lie in such as kpu_store_write_view takes: columns
 * of the same name, in files beside this one or in folders below, that are there and as long as
 * the view says. KPU_E_INPUT, told, if not. */
int kpu_store_check_view(kpu_results *results, kpu_diag *diag);
/* Whether a name leads nowhere but beside a file or below. */
bool kpu_store_is_beside(const char *name);

#endif
