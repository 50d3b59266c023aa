/* A wall clock that is wrong, or is set while one looks: preloaded in front of the C library.
 *
 * The time of day is CLOCK_AHEAD_S seconds ahead; from the moment that the file CLOCK_STEPS exists,
 * CLOCK_STEP_S seconds more. Clocks that count from some start are left alone.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long long seconds_in(const char *name) {
    const char *text = getenv(name);
    return text == NULL ? 0 : atoll(text);
}

static long long ahead_s(void) {
    const char *file = getenv("CLOCK_STEPS");
    int is_stepped = file != NULL && access(file, F_OK) == 0;
    return seconds_in("CLOCK_AHEAD_S") + (is_stepped ? seconds_in("CLOCK_STEP_S") : 0);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (real == NULL) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int failed = real(clock, now);
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) now->tv_sec += ahead_s();
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    static int (*real)(struct timeval *, void *);
    if (real == NULL) real = (int (*)(struct timeval *, void *))dlsym(RTLD_NEXT, "gettimeofday");
    int failed = real(now, zone);
    now->tv_sec += ahead_s();
    return failed;
}

time_t time(time_t *now) {
    struct timespec precise;
    clock_gettime(CLOCK_REALTIME, &precise);
    if (now != NULL) *now = precise.tv_sec;
    return precise.tv_sec;
}
