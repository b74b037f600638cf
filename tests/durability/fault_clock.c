/* Clocks that run fast, and jump: see fault.h. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const int64_t second_ns = 1000 * 1000 * 1000;

static struct {
    int64_t speed, jump_s; /* 0: as it is */
    int64_t start;         /* of CLOCK_MONOTONIC, ns */
    int (*get)(clockid_t, struct timespec *);
    int (*wait)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
    _Atomic unsigned asked;
} fault_clock;

static int64_t whole(const char *name)
{
    const char *text = getenv(name);
    return text ? strtoll(text, NULL, 10) : 0;
}

static int64_t ns_of(const struct timespec *t)
{
    return (int64_t)t->tv_sec * second_ns + t->tv_nsec;
}

static struct timespec time_of(int64_t ns)
{
    return (struct timespec){.tv_sec = ns / second_ns, .tv_nsec = ns % second_ns};
}

/* What a program links to is the newer of the two that glibc has for some machines. */
static void *find_wait(void)
{
    void *newer = dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
    return newer ? newer : dlsym(RTLD_NEXT, "pthread_cond_timedwait");
}

__attribute__((constructor)) static void begin(void)
{
    *(void **)&fault_clock.get = dlsym(RTLD_NEXT, "clock_gettime");
    *(void **)&fault_clock.wait = find_wait();
    struct timespec now;
    fault_clock.get(CLOCK_MONOTONIC, &now);
    fault_clock.start = ns_of(&now);
    fault_clock.jump_s = 3600 * whole("KPU_FAULT_JUMP");
    fault_clock.speed = whole("KPU_FAULT_SPEED");
}

/* -2 to 2 times the jump, another one at every look. */
static time_t jump(void)
{
    unsigned n = fault_clock.asked++;
    return (time_t)(fault_clock.jump_s * ((int64_t)(n * 7919u % 5u) - 2));
}

int clock_gettime(clockid_t which, struct timespec *out)
{
    if (!fault_clock.get) /* before our constructor */
        return (int)syscall(SYS_clock_gettime, which, out);
    int result = fault_clock.get(which, out);
    if (result == 0 && which == CLOCK_MONOTONIC && fault_clock.speed > 1)
        *out = time_of(fault_clock.start + (ns_of(out) - fault_clock.start) * fault_clock.speed);
    if (result == 0 && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE))
        out->tv_sec += jump();
    return result;
}

time_t time(time_t *out)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out)
        *out = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    *out = (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
    return 0;
}

/* The moment is one of CLOCK_MONOTONIC, for all conditions of the program under test are. */
int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict lock,
                           const struct timespec *restrict until)
{
    if (fault_clock.speed <= 1)
        return fault_clock.wait(condition, lock, until);
    int64_t left = (ns_of(until) - fault_clock.start) / fault_clock.speed;
    struct timespec real = time_of(fault_clock.start + left);
    return fault_clock.wait(condition, lock, &real);
}
