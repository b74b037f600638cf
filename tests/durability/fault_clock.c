/* Clocks that run fast, and jump: see fault.h. */
#include <dlfcn.h>
#include <errno.h>
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
    fault_clock.jump_s = 3600 * whole("KPU_FAULT_JUMP");
    fault_clock.speed = whole("KPU_FAULT_SPEED");
}

/* -2 to 2 times the jump, another one at every look. */
static time_t jump(void)
{
    unsigned n = fault_clock.asked++;
    return (time_t)(fault_clock.jump_s * ((int64_t)(n * 7919u % 5u) - 2));
}

static int64_t worked_ns(void)
{
    struct timespec worked;
    fault_clock.get(CLOCK_PROCESS_CPUTIME_ID, &worked);
    return ns_of(&worked);
}

int clock_gettime(clockid_t which, struct timespec *out)
{
    if (!fault_clock.get) /* before our constructor */
        return (int)syscall(SYS_clock_gettime, which, out);
    int result = fault_clock.get(which, out);
    if (result == 0 && which == CLOCK_MONOTONIC && fault_clock.speed > 1)
        *out = time_of(ns_of(out) + fault_clock.speed * worked_ns());
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

/* A moment of CLOCK_MONOTONIC as the program knows it, as the system does. It may come early, if
 * the process works less than all the time: whoever waits looks at the clock anyway. */
static struct timespec real_moment(const struct timespec *until)
{
    struct timespec now, real;
    clock_gettime(CLOCK_MONOTONIC, &now);
    fault_clock.get(CLOCK_MONOTONIC, &real);
    int64_t left = ns_of(until) - ns_of(&now);
    return time_of(ns_of(&real) + (left > 0 ? left / fault_clock.speed : 0));
}

/* All conditions of the program under test go by CLOCK_MONOTONIC. */
int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict lock,
                           const struct timespec *restrict until)
{
    if (fault_clock.speed <= 1)
        return fault_clock.wait(condition, lock, until);
    struct timespec real = real_moment(until);
    return fault_clock.wait(condition, lock, &real);
}

int clock_nanosleep(clockid_t which, int flags, const struct timespec *until, struct timespec *left)
{
    struct timespec real = *until;
    if (fault_clock.speed > 1 && which == CLOCK_MONOTONIC && (flags & TIMER_ABSTIME))
        real = real_moment(until);
    return syscall(SYS_clock_nanosleep, which, flags, &real, left) == 0 ? 0 : errno;
}
