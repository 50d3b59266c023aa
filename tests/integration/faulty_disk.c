/* A disk that fails where it is told to: preloaded in front of the C library.
 *
 * Counts the calls named in FAULT_CALLS that touch something below FAULT_ROOT. At the FAULT_AT-th
 * (from then on, with FAULT_LASTING) it does what FAULT_DOES says: the number of an errno to fail
 * with, "kill" to end the process before the call, or "tear" to write half and then end it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define REAL(name, ...) ((int (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name))

static long calls_seen;

long faulty_calls_seen(void) { return calls_seen; }

static int is_below(const char *path) {
    const char *root = getenv("FAULT_ROOT");
    return root != NULL && path != NULL && strncmp(path, root, strlen(root)) == 0;
}

static int is_open_below(int descriptor) {
    char link[64], path[4096];
    ssize_t length;
    if (getenv("FAULT_ROOT") == NULL) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return is_below(path);
}

/* 0: do the call. 1: it has failed, errno is set. 2: tear it. */
static int fault(const char *name) {
    const char *calls = getenv("FAULT_CALLS"), *at = getenv("FAULT_AT"), *does = getenv("FAULT_DOES");
    if (calls == NULL || at == NULL || does == NULL || strstr(calls, name) == NULL) return 0;
    calls_seen++;
    if (calls_seen < atol(at)) return 0;
    if (calls_seen > atol(at) && getenv("FAULT_LASTING") == NULL) return 0;
    if (strcmp(does, "tear") == 0 && strcmp(name, "write") == 0) return 2;
    if (strcmp(does, "kill") == 0 || strcmp(does, "tear") == 0) raise(SIGKILL);
    errno = atoi(does);
    return 1;
}

ssize_t write(int descriptor, const void *data, size_t length) {
    ssize_t (*real)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
    int what = is_open_below(descriptor) ? fault("write") : 0;
    if (what == 1) return -1;
    if (what == 2) {
        real(descriptor, data, length / 2);
        raise(SIGKILL);
    }
    return real(descriptor, data, length);
}

/* SQLite writes at a place of a file. */
static ssize_t write_at(const char *name, int descriptor, const void *data, size_t length, off64_t at) {
    ssize_t (*real)(int, const void *, size_t, off64_t) = dlsym(RTLD_NEXT, name);
    if (is_open_below(descriptor) && fault("pwrite")) return -1;
    return real(descriptor, data, length, at);
}

ssize_t pwrite64(int descriptor, const void *data, size_t length, off64_t at) {
    return write_at("pwrite64", descriptor, data, length, at);
}

ssize_t pwrite(int descriptor, const void *data, size_t length, off_t at) {
    return write_at("pwrite", descriptor, data, length, at);
}

int fsync(int descriptor) {
    if (is_open_below(descriptor) && fault("fsync")) return -1;
    return REAL(fsync, int)(descriptor);
}

int fdatasync(int descriptor) {
    if (is_open_below(descriptor) && fault("fdatasync")) return -1;
    return REAL(fdatasync, int)(descriptor);
}

int close(int descriptor) {
    int was_written = (fcntl(descriptor, F_GETFL) & O_ACCMODE) != O_RDONLY;
    int what = was_written && is_open_below(descriptor) ? fault("close") : 0;
    int number = errno, result = REAL(close, int)(descriptor);
    if (!what) return result;
    errno = number;
    return -1;
}

int rename(const char *old, const char *new) {
    if (is_below(new) && fault("rename")) return -1;
    return REAL(rename, const char *, const char *)(old, new);
}

int unlink(const char *path) {
    if (is_below(path) && fault("unlink")) return -1;
    return REAL(unlink, const char *)(path);
}

int mkdir(const char *path, mode_t mode) {
    if (is_below(path) && fault("mkdir")) return -1;
    return REAL(mkdir, const char *, mode_t)(path, mode);
}

static int open_with(const char *name, const char *path, int flags, mode_t mode) {
    if ((flags & O_CREAT) && is_below(path) && fault("create")) return -1;
    return ((int (*)(const char *, int, ...))dlsym(RTLD_NEXT, name))(path, flags, mode);
}

int open(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = (flags & O_CREAT) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return open_with("open", path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = (flags & O_CREAT) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return open_with("open64", path, flags, mode);
}
