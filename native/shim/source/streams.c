/* The stdio of the process: pipes, or a terminal. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "shim.h"

enum {
    /* All that a pipe holds (pipe(7)). */
    BURST = 64 * 1024,
    /* dockerd lets an attached client be this far behind before the container has to wait (pkg/ioutils/bytespipe.go). */
    CLIENT_BEHIND = 1000 * 1000,
    /* Once the process is gone, what its pipes hold is read in any case: two of them. */
    LAST_OUTPUT = 2 * BURST,
};

/* Shared by all readings: each is dealt with before the next. Its pages exist only once there was output. */
static uint8_t burst[BURST];

static void end_output(struct shim *shim, struct output *output)
{
    if (output->source.descriptor < 0) return;
    lines_end(&output->lines, &shim->log, clock_now(CLOCK_REALTIME));
    log_flush(&shim->log);
    close_source(shim, &output->source);
}

static void read_output(struct shim *shim, struct source *source, uint32_t events)
{
    struct output *output = (struct output *)source;
    (void)events;
    const ssize_t length = read(source->descriptor, burst, BURST);
    if (length < 0 && (errno == EAGAIN || errno == EINTR)) return;
    /* A terminal whose last user is gone answers EIO. */
    if (length <= 0) {
        end_output(shim, output);
        return;
    }
    connections_output(shim, output->stream, burst, (size_t)length);
    if (shim->log.settings.path == NULL) return;
    lines_feed(&output->lines, &shim->log, burst, (size_t)length, clock_now(CLOCK_REALTIME));
    log_flush(&shim->log);
}

/* The policy towards slow clients: may more output be read now? */
static bool output_may_flow(const struct shim *shim)
{
    const size_t behind = connections_longest_queue(shim);
    if (shim->phase == PHASE_DRAINING) return behind < CLIENT_BEHIND + LAST_OUTPUT;
    return shim->phase == PHASE_RUNNING && behind < CLIENT_BEHIND && !log_is_behind(&shim->log);
}

void streams_flow(struct shim *shim)
{
    const uint32_t events = output_may_flow(shim) ? EPOLLIN : 0;
    for (int index = 0; index < 2; index++) watch(shim, &shim->outputs[index].source, events);
}

bool streams_ended(const struct shim *shim)
{
    return shim->outputs[0].source.descriptor < 0 && shim->outputs[1].source.descriptor < 0;
}

void streams_finish(struct shim *shim)
{
    for (int index = 0; index < 2; index++) end_output(shim, &shim->outputs[index]);
    log_close(&shim->log);
}

static void input_ready(struct shim *shim, struct source *source, uint32_t events)
{
    (void)events;
    watch(shim, source, 0);
    connection_resume_input(shim);
}

/* Makes a pipe of which the shim's end does not block. `shim_end` is 0 to read from the process, 1 to write to it. */
static const char *make_pipe(struct source *source, int *other, int shim_end)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) return "pipe";
    source->descriptor = ends[shim_end];
    *other = ends[1 - shim_end];
    return fcntl(ends[shim_end], F_SETFL, O_NONBLOCK) < 0 ? "fcntl" : NULL;
}

const char *streams_open(struct shim *shim)
{
    const char *failure = NULL;
    shim->input = (struct source){input_ready, -1, 0};
    for (int index = 0; index < 2; index++) {
        struct output *output = &shim->outputs[index];
        output->source = (struct source){read_output, -1, 0};
        output->stream = index == 0 ? STREAM_STDOUT : STREAM_STDERR;
        output->lines.stream = index == 0 ? "stdout" : "stderr";
    }
    /* -1: /dev/null, which the shim's own stdio is. */
    for (int standard = 0; standard < 3; standard++) shim->runtime_ends[standard] = -1;

    /* Even with a terminal, for what the runtime itself has to say. */
    failure = make_pipe(&shim->outputs[1].source, &shim->runtime_ends[STDERR_FILENO], 0);
    if (failure != NULL || shim->options->terminal) return failure;
    failure = make_pipe(&shim->outputs[0].source, &shim->runtime_ends[STDOUT_FILENO], 0);
    if (failure != NULL || !shim->options->standard_input) return failure;
    return make_pipe(&shim->input, &shim->runtime_ends[STDIN_FILENO], 1);
}

/* Receives one descriptor (unix(7), SCM_RIGHTS); -1 if none came. */
static int receive_descriptor(int socket)
{
    char name[256];
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec data = {name, sizeof name};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    int descriptor = -1;

    if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) < 0) return -1;
    const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
        memcpy(&descriptor, CMSG_DATA(header), sizeof descriptor);
    return descriptor;
}

bool streams_take_terminal(struct shim *shim)
{
    const int peer = accept4(shim->console_listener, NULL, NULL, SOCK_CLOEXEC);
    const int master = peer < 0 ? -1 : receive_descriptor(peer);
    if (peer >= 0) (void)close(peer);
    if (master < 0 || fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK) < 0) return false;

    close_source(shim, &shim->outputs[1].source);
    shim->outputs[0].source.descriptor = master;
    /* A second descriptor, so that reading and writing are watched separately. */
    if (shim->options->standard_input) shim->input.descriptor = fcntl(master, F_DUPFD_CLOEXEC, 0);
    if (shim->rows != 0 || shim->columns != 0) terminal_resize(shim, shim->rows, shim->columns);
    return true;
}

size_t stdin_write(struct shim *shim, const uint8_t *bytes, size_t length)
{
    const bool terminal_to_come = shim->options->terminal && shim->options->standard_input && shim->phase <= PHASE_STARTING;
    if (terminal_to_come) return 0;
    size_t taken = 0;
    while (taken < length && shim->input.descriptor >= 0) {
        const ssize_t count = write(shim->input.descriptor, bytes + taken, length - taken);
        if (count > 0) {
            taken += (size_t)count;
        } else if (count < 0 && errno == EAGAIN) {
            watch(shim, &shim->input, EPOLLOUT);
            return taken;
        } else if (errno != EINTR) {
            /* The process has closed its end. */
            stdin_close(shim);
        }
    }
    return length;
}

void stdin_close(struct shim *shim) { close_source(shim, &shim->input); }

void terminal_resize(struct shim *shim, uint16_t rows, uint16_t columns)
{
    const struct winsize size = {.ws_row = rows, .ws_col = columns};
    shim->rows = rows;
    shim->columns = columns;
    if (shim->options->terminal && shim->outputs[0].source.descriptor >= 0)
        (void)ioctl(shim->outputs[0].source.descriptor, TIOCSWINSZ, &size);
}
