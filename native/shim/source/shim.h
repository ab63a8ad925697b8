/* All state of one shim, on one screen, and the verbs its parts offer to each other. */
#ifndef GANTRY_SHIM_H
#define GANTRY_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "frames.h"
#include "lines.h"
#include "log_file.h"
#include "options.h"
#include "protocol.h"

struct shim;

/* Something epoll watches. First member of whatever it stands for. */
struct source {
    void (*ready)(struct shim *shim, struct source *source, uint32_t events);
    int descriptor; /* -1: closed */
    uint32_t watched; /* 0: not in the epoll set (a mask of 0 would still report hang-ups) */
};

/* Bytes on their way to a client that does not take them as fast as they come. */
struct queue {
    uint8_t *bytes;
    size_t start, end, capacity;
};

/* A client: the engine, or one attached session of the engine's. connection.c */
struct connection {
    struct source source;
    struct connection *next;
    struct frame_reader reader;
    struct queue queue;
    uint8_t streams;       /* STREAM_*: what it is attached to */
    bool peer_gone;        /* nobody reads what we send any more; input may still be in the socket */
    bool input_ended;
    bool dead;             /* closed; freed at the end of the round */
    uint8_t *stalled;      /* input that the process does not take yet; no more is read until it does */
    size_t stalled_start, stalled_end;
};

/* stdout or stderr of the process, or the terminal. streams.c */
struct output {
    struct source source;
    uint8_t stream; /* STREAM_STDOUT, STREAM_STDERR */
    struct lines lines;
};

struct shim {
    const struct options *options;
    enum phase phase;
    int epoll;
    int folder;                 /* the shim's directory; relative names are inside it */
    struct source listener;     /* shim.sock */
    struct source signals;      /* SIGCHLD */
    struct source oom_notice;   /* eventfd (cgroup v1) or inotify (v2) */
    struct source input;        /* the process's stdin or terminal; watched only while input is stalled */
    struct output outputs[2];
    struct connection *connections;
    struct log_file log;

    pid_t runtime;              /* while STARTING */
    pid_t process;              /* from RUNNING on */
    int runtime_ends[3];        /* the process's ends of its stdio, until the runtime has them; else -1 */
    int console_listener;       /* where the runtime sends the terminal, while STARTING; else -1 */
    uint16_t rows, columns;     /* asked for before there was a terminal; 0: not asked */

    long kills_before;          /* of earlier processes in the same cgroup */
    bool out_of_memory;
    int exit_code;
    int64_t exit_time;          /* nanoseconds since 1970 */
    int exit_file;              /* the exit record to be, its space reserved */
    int64_t deadline;           /* monotonic nanoseconds: end of DRAINING, or of waiting for slow clients; 0: none */
};

/* loop.c */
void watch(struct shim *shim, struct source *source, uint32_t events); /* 0: stop watching */
void close_source(struct shim *shim, struct source *source);
int64_t clock_now(int clock);
void run(struct shim *shim); /* returns when the shim's work is done */

/* process.c: the life of the process */
void process_start(struct shim *shim);
void process_child_ended(struct shim *shim);
void process_settle(struct shim *shim); /* after each round: is the draining over? */
int process_signal(const struct shim *shim, int signal); /* errno */

/* runtime.c: the OCI runtime */
const char *runtime_spawn(struct shim *shim); /* NULL, or the step that failed (errno says why) */
size_t runtime_log(struct shim *shim, uint8_t *out, size_t capacity); /* the end of what it logged or printed */
pid_t runtime_pid_file(struct shim *shim); /* 0 if there is none */
void runtime_forget(struct shim *shim); /* removes its log and console socket */

/* streams.c: stdio of the process */
const char *streams_open(struct shim *shim); /* as runtime_spawn */
bool streams_take_terminal(struct shim *shim); /* receives it from the runtime */
void streams_flow(struct shim *shim); /* starts or stops reading the outputs, as the policy says */
bool streams_ended(const struct shim *shim);
void streams_finish(struct shim *shim); /* logs what is left, closes the log */
size_t stdin_write(struct shim *shim, const uint8_t *bytes, size_t length); /* how many were taken */
void stdin_close(struct shim *shim);
void terminal_resize(struct shim *shim, uint16_t rows, uint16_t columns);

/* connection.c: clients */
void connection_open(struct shim *shim, int socket);
void connection_accept(struct shim *shim, struct source *listener, uint32_t events);
void connection_resume_input(struct shim *shim);
void connections_send(struct shim *shim, uint8_t type, uint8_t flags, const uint8_t *payload, size_t length);
void connections_output(struct shim *shim, uint8_t stream, const uint8_t *bytes, size_t length);
size_t connections_longest_queue(const struct shim *shim);
bool connections_idle(const struct shim *shim); /* nothing is queued */
void connections_sweep(struct shim *shim); /* frees the dead; call when no event of this round is left */
void connections_close(struct shim *shim);

/* reply.c: what clients are told of the process */
void encode_state(const struct shim *shim, uint8_t out[STATE_SIZE]);
void encode_exit(const struct shim *shim, uint8_t out[EXIT_SIZE]);

/* oom.c */
void oom_baseline(struct shim *shim); /* before the process starts */
void oom_watch(struct shim *shim);
void oom_check(struct shim *shim);

/* exit_record.c */
const char *exit_record_reserve(struct shim *shim); /* as runtime_spawn */
void exit_record_write(struct shim *shim);
void exit_record_discard(struct shim *shim);

/* daemon.c */
void daemon_prepare(struct shim *shim);
void daemon_restore_child(void); /* in a child, before it becomes the runtime */
/* Unmaps the program's own text (clean, and back at the next instruction): what only the start needed stays away. */
void daemon_drop_start_code(void);

#endif
