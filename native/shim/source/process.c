/* The life of the process: WAITING, STARTING, RUNNING, DRAINING, EXITED; or FAILED. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "shim.h"
#include "text.h"

enum {
    /* What the runtime said is cut to its end, which is where the error is. */
    MESSAGE_LIMIT = 16 * 1024,
    /* A descendant may still hold the output open. dockerd waits this long for it (daemon/monitor.go). */
    DRAIN_SECONDS = 2,
    NANOSECONDS = 1000000000,
    /* Shells tell a death by signal N as 128+N, and so does Docker. */
    SIGNAL_BASE = 128,
    /* FAILED without a runtime's exit status. */
    NO_STATUS = -1,
};

static int code_of(int status) { return WIFSIGNALED(status) ? SIGNAL_BASE + WTERMSIG(status) : WEXITSTATUS(status); }

/* Ends the life before it began: `reason` as it is, or what the runtime left to read. */
static void fail(struct shim *shim, int status, const char *reason)
{
    uint8_t message[4 + MESSAGE_LIMIT];
    size_t length = 0;
    put_u32(message, (uint32_t)status);
    if (reason != NULL) {
        length = strlen(reason);
        memcpy(message + 4, reason, length);
    } else {
        length = runtime_log(shim, message + 4, MESSAGE_LIMIT);
    }
    shim->phase = PHASE_FAILED;
    runtime_forget(shim);
    exit_record_discard(shim);
    log_close(&shim->log);
    close_source(shim, &shim->input);
    connections_send(shim, REPLY_FAILED, 0, message, 4 + length);
    connection_resume_input(shim);
}

void process_start(struct shim *shim)
{
    char reason[512];
    const char *step = NULL;
    int failure = log_open(&shim->log, &shim->options->log);
    if (failure != 0) step = "open log";
    if (step == NULL && (step = exit_record_reserve(shim)) != NULL) failure = errno;
    oom_baseline(shim);
    if (step == NULL && (step = runtime_spawn(shim)) != NULL) failure = errno;
    if (step == NULL) {
        shim->phase = PHASE_STARTING;
        return;
    }
    struct text text = text_in(reason, sizeof reason);
    text_add(&text, "gantry-shim: ");
    text_add(&text, step);
    text_add(&text, ": ");
    text_add(&text, strerror(failure));
    fail(shim, NO_STATUS, reason);
}

/* The runtime is through: either there is a process now, or a reason why not. */
static void runtime_ended(struct shim *shim, int status)
{
    uint8_t pid[4];
    if (status != 0) {
        fail(shim, code_of(status), NULL);
        return;
    }
    shim->process = runtime_pid_file(shim);
    if (shim->process <= 0) {
        fail(shim, NO_STATUS, "gantry-shim: the runtime wrote no pid file");
        return;
    }
    if (shim->options->terminal && !streams_take_terminal(shim)) {
        (void)kill(shim->process, SIGKILL);
        fail(shim, NO_STATUS, "gantry-shim: the runtime sent no terminal");
        return;
    }
    runtime_forget(shim);
    shim->phase = PHASE_RUNNING;
    oom_watch(shim);
    put_u32(pid, (uint32_t)shim->process);
    connections_send(shim, REPLY_STARTED, 0, pid, sizeof pid);
    connection_resume_input(shim);
    daemon_drop_start_code();
}

static void process_ended(struct shim *shim, int status)
{
    shim->exit_code = code_of(status);
    shim->exit_time = clock_now(CLOCK_REALTIME);
    shim->phase = PHASE_DRAINING;
    shim->deadline = clock_now(CLOCK_MONOTONIC) + (int64_t)DRAIN_SECONDS * NANOSECONDS;
    close_source(shim, &shim->input);
    connection_resume_input(shim);
}

void process_child_ended(struct shim *shim)
{
    int status;
    pid_t child;
    if (shim->phase == PHASE_STARTING) {
        /* The runtime's alone: the process itself may have ended too, and is known only by the pid file. */
        if (waitpid(shim->runtime, &status, WNOHANG) != shim->runtime) return;
        runtime_ended(shim, status);
    }
    while ((child = waitpid(-1, &status, WNOHANG)) > 0) {
        if (child == shim->process && shim->phase == PHASE_RUNNING) process_ended(shim, status);
        else (void)log_child_ended(&shim->log, child);
    }
}

void process_settle(struct shim *shim)
{
    uint8_t exit[EXIT_SIZE];
    if (shim->phase != PHASE_DRAINING) return;
    if (!streams_ended(shim) && clock_now(CLOCK_MONOTONIC) < shim->deadline) return;

    streams_finish(shim);
    oom_check(shim);
    close_source(shim, &shim->oom_notice);
    exit_record_write(shim);
    shim->phase = PHASE_EXITED;
    shim->deadline = 0;
    encode_exit(shim, exit);
    connections_send(shim, REPLY_EXIT, 0, exit, sizeof exit);
}

int process_signal(const struct shim *shim, int number)
{
    /* Not yet reaped in this phase, so the pid cannot be anyone else's. */
    if (shim->phase != PHASE_RUNNING) return ESRCH;
    return kill(shim->process, number) < 0 ? errno : 0;
}
