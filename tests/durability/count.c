/* Linked into kpu-dse with --wrap=kpu_evaluate: counts the candidates that are really evaluated, in
 * a file that is mapped, so that a killed process has told too. */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kpu/metrics.h"

int __real_kpu_evaluate(kpu_simulator *simulator, const kpu_machine *machine,
                        const kpu_problem *problem, const kpu_candidate *candidate,
                        kpu_result *out);
int __wrap_kpu_evaluate(kpu_simulator *simulator, const kpu_machine *machine,
                        const kpu_problem *problem, const kpu_candidate *candidate,
                        kpu_result *out);

static _Atomic int64_t *counter;

/* KPU_COUNT_FILE: 8 bytes. */
__attribute__((constructor)) static void map_counter(void)
{
    const char *path = getenv("KPU_COUNT_FILE");
    int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666) : -1;
    if (fd < 0)
        return;
    void *page = ftruncate(fd, sizeof *counter) == 0
                     ? mmap(NULL, sizeof *counter, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)
                     : MAP_FAILED;
    close(fd);
    if (page != MAP_FAILED)
        counter = page;
}

int __wrap_kpu_evaluate(kpu_simulator *simulator, const kpu_machine *machine,
                        const kpu_problem *problem, const kpu_candidate *candidate, kpu_result *out)
{
    if (counter)
        atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
    return __real_kpu_evaluate(simulator, machine, problem, candidate, out);
}
