/* Private to the programs: what is said when one is brought down. */
#ifndef KPU_SRC_TOOLS_FAULT_H
#define KPU_SRC_TOOLS_FAULT_H

/* From now on a segmentation fault, and what is like it, ends the program with an error and exit
 * code 1. HDF5 does not survive every damaged file (docs/results-file.md). */
void kpu_fault_catch(void);

#endif
