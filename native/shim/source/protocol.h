/*
 * The words that the engine and the shim exchange over a stream socket.
 *
 * Every frame is a header of eight bytes and `length` bytes of payload:
 *
 *     u8 type   u8 flags   u16 reserved (0)   u32 length, little endian
 *
 * All integers are little endian. src/contract/shim.ts states the same numbers; a test compares the two files.
 * A newer engine adopts older shims: numbers are only ever added, and their meaning never changes.
 */
#ifndef GANTRY_PROTOCOL_H
#define GANTRY_PROTOCOL_H

#include <stddef.h>
#include <stdint.h>

enum {
    PROTOCOL_VERSION = 1,
    HEADER_SIZE = 8,
    /* The longest payload a client may send: one pipe's worth (pipe(7): 16 pages). */
    MAXIMUM_PAYLOAD = 64 * 1024,
};

/* From a client to the shim. The payload is named after the colon; no colon, no payload. */
enum request {
    REQUEST_HELLO = 1,       /* first frame of every connection: u32 version */
    REQUEST_START = 2,       /* run the process; answered by STARTED or FAILED, on every connection */
    REQUEST_ATTACH = 3,      /* flags: STREAM_*; answered by ATTACHED, after which output frames come */
    REQUEST_STDIN = 4,       /* bytes for the process: any number of them */
    REQUEST_CLOSE_STDIN = 5, /* this client has no more input */
    REQUEST_RESIZE = 6,      /* u16 rows, u16 columns */
    REQUEST_SIGNAL = 7,      /* u32 signal number; answered by SIGNALLED */
    REQUEST_STATE = 8,       /* answered by STATE */
};

/* From the shim to a client. */
enum reply {
    REPLY_HELLO = 64,     /* u32 version, then the payload of STATE */
    REPLY_STARTED = 65,   /* i32 pid */
    REPLY_FAILED = 66,    /* i32 exit status of the runtime, then what it logged (JSON lines) or printed */
    REPLY_ATTACHED = 67,
    REPLY_OUTPUT = 68,    /* flags: STREAM_STDOUT or STREAM_STDERR; bytes */
    REPLY_SIGNALLED = 69, /* i32 errno of kill(2), 0 for success */
    REPLY_STATE = 70,     /* u8 phase, u8 out of memory, u16 0, i32 pid, i32 pid of the shim, i32 code, i64 exit time */
    REPLY_OOM = 71,       /* the kernel killed a process of the container for its memory limit */
    REPLY_EXIT = 72,      /* i32 code, u32 out of memory, i64 exit time in nanoseconds since 1970; the last frame */
};

enum stream_flag {
    STREAM_STDOUT = 1,
    STREAM_STDERR = 2,
    STREAM_STDIN = 4,
    STREAM_ALL = STREAM_STDOUT | STREAM_STDERR | STREAM_STDIN,
};

/* The life of the process, as STATE tells it. */
enum phase {
    PHASE_WAITING = 0,  /* for START */
    PHASE_STARTING = 1, /* the runtime is at work */
    PHASE_RUNNING = 2,
    PHASE_DRAINING = 3, /* the process is gone, its output is not yet */
    PHASE_EXITED = 4,   /* the exit record is written */
    PHASE_FAILED = 5,   /* the runtime could not start the process */
};

enum {
    STATE_SIZE = 24,
    EXIT_SIZE = 16,
};

#endif
