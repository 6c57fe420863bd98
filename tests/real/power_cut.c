/* Logs what a program does to the files of its store: preloaded, it writes one record for each write, sync, truncate,
 * unlink and rename of a file whose path begins with POWER_CUT_PREFIX into POWER_CUT_LOG. `power_cut.py` reads them.
 *
 * While there is a file of the name POWER_CUT_FAILING, each 18th sync is not done and fails with EIO.
 *
 * A record is: double at (CLOCK_MONOTONIC seconds; of a sync its end, else its begin), char kind, int64 offset,
 * int64 length, uint16 length of the path, the path, and for a write the data.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define REAL(name) \
    static __typeof__(name) *real_##name; \
    if (!real_##name) real_##name = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int out = -2;
static const char *prefix;
static int syncs;

static void start(void) {
    prefix = getenv("POWER_CUT_PREFIX");
    const char *log = getenv("POWER_CUT_LOG");
    out = prefix && log ? open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644) : -1;
}

static double now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static int is_ours(const char *path) {
    if (out == -2) start();
    return out >= 0 && path && strncmp(path, prefix, strlen(prefix)) == 0;
}

static int path_of(int fd, char *path) {
    char link[64];
    if (out == -2) start();
    if (out < 0 || fd == out) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return is_ours(path);
}

static void record(double at, char kind, int64_t offset, int64_t length, const char *path, const void *data) {
    char head[27];
    uint16_t named = (uint16_t)strlen(path);
    memcpy(head, &at, 8);
    head[8] = kind;
    memcpy(head + 9, &offset, 8);
    memcpy(head + 17, &length, 8);
    memcpy(head + 25, &named, 2);
    struct iovec parts[3] = {{head, 27}, {(void *)path, named}, {(void *)data, data ? (size_t)length : 0}};
    if (writev(out, parts, data ? 3 : 2) < 0) abort();
}

#define LOCKED(call) do { pthread_mutex_lock(&lock); call; pthread_mutex_unlock(&lock); } while (0)

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset) {
    REAL(pwrite64);
    char path[PATH_MAX];
    if (!path_of(fd, path)) return real_pwrite64(fd, data, length, offset);
    ssize_t done;
    LOCKED(record(now(), 'w', offset, (int64_t)length, path, data); done = real_pwrite64(fd, data, length, offset));
    return done;
}
ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) { return pwrite64(fd, data, length, offset); }

ssize_t write(int fd, const void *data, size_t length) {
    REAL(write);
    char path[PATH_MAX];
    if (!path_of(fd, path)) return real_write(fd, data, length);
    ssize_t done;
    off64_t offset = lseek64(fd, 0, SEEK_CUR);
    LOCKED(record(now(), 'w', offset, (int64_t)length, path, data); done = real_write(fd, data, length));
    return done;
}

static int synced(int fd, int (*real)(int)) {
    char path[PATH_MAX];
    if (!path_of(fd, path)) return real(fd);
    int done = -1;
    pthread_mutex_lock(&lock);
    const char *failing = getenv("POWER_CUT_FAILING");
    int fails = failing && access(failing, F_OK) == 0 && ++syncs % 18 == 0;
    if (!fails) done = real(fd);
    if (fails || done == 0) record(now(), fails ? 'e' : 's', 0, 0, path, NULL);
    pthread_mutex_unlock(&lock);
    if (fails) errno = EIO;
    return done;
}
int fsync(int fd) { REAL(fsync); return synced(fd, real_fsync); }
int fdatasync(int fd) { REAL(fdatasync); return synced(fd, real_fdatasync); }

int ftruncate64(int fd, off64_t length) {
    REAL(ftruncate64);
    char path[PATH_MAX];
    if (!path_of(fd, path)) return real_ftruncate64(fd, length);
    int done;
    LOCKED(record(now(), 't', 0, length, path, NULL); done = real_ftruncate64(fd, length));
    return done;
}
int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

int unlink(const char *path) {
    REAL(unlink);
    if (!is_ours(path)) return real_unlink(path);
    int done;
    LOCKED(record(now(), 'u', 0, 0, path, NULL); done = real_unlink(path));
    return done;
}
