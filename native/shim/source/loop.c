/* The event loop: one epoll set, level triggered, and at most one deadline. */
#include <errno.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "shim.h"

enum {
    ROUND = 16, /* events taken at once; more come in the next round */
    NANOSECONDS = 1000000000,
    NANOSECONDS_OF_MILLISECOND = 1000000,
    /* How long a client may take nothing of what is queued for it once the process is gone. Long: the client may be
       `docker run … | less`. A client that closes its connection ends the wait at once. */
    SLOW_CLIENT_SECONDS = 600,
};

int64_t clock_now(int clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * NANOSECONDS + now.tv_nsec;
}

void watch(struct shim *shim, struct source *source, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = source};
    if (source->descriptor < 0 || events == source->watched) return;
    const int change = events == 0 ? EPOLL_CTL_DEL : source->watched == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    if (epoll_ctl(shim->epoll, change, source->descriptor, &event) == 0) source->watched = events;
}

void close_source(struct shim *shim, struct source *source)
{
    if (source->descriptor < 0) return;
    watch(shim, source, 0);
    (void)close(source->descriptor);
    source->descriptor = -1;
}

/* Milliseconds until the deadline, rounded up; -1 without one. */
static int time_left(const struct shim *shim)
{
    if (shim->deadline == 0) return -1;
    const int64_t left = shim->deadline - clock_now(CLOCK_MONOTONIC);
    return left <= 0 ? 0 : (int)((left + NANOSECONDS_OF_MILLISECOND - 1) / NANOSECONDS_OF_MILLISECOND);
}

static bool work_is_done(struct shim *shim)
{
    switch (shim->phase) {
    case PHASE_WAITING:
        /* Nobody is left who could say START. */
        return shim->connections == NULL;
    case PHASE_EXITED:
    case PHASE_FAILED:
        if (shim->log.compressor > 0) return false;
        if (shim->deadline == 0) shim->deadline = clock_now(CLOCK_MONOTONIC) + (int64_t)SLOW_CLIENT_SECONDS * NANOSECONDS;
        return connections_idle(shim) || time_left(shim) == 0;
    default:
        return false;
    }
}

void run(struct shim *shim)
{
    struct epoll_event events[ROUND];
    while (!work_is_done(shim)) {
        const int count = epoll_wait(shim->epoll, events, ROUND, time_left(shim));
        for (int index = 0; index < count; index++) {
            struct source *source = events[index].data.ptr;
            /* An earlier event of this round may have closed it. */
            if (source->descriptor >= 0 && source->watched != 0) source->ready(shim, source, events[index].events);
        }
        process_settle(shim);
        streams_flow(shim);
        connections_sweep(shim);
    }
    connections_close(shim);
}
