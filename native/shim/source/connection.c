/* Clients: what they ask for, and what waits to be sent to them. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "shim.h"

enum {
    RECEIVE = 64 * 1024,
    QUEUE_START = 16 * 1024,
    UNREAD = 2 * 1024,
};

static uint8_t received[RECEIVE];

static void connection_close(struct shim *shim, struct connection *connection)
{
    uint8_t unread[UNREAD];
    if (connection->dead) return;
    connection->dead = true;
    connection->streams = 0;
    /* A unix socket closed with unread input would make the peer's last read fail (ECONNRESET). */
    (void)shutdown(connection->source.descriptor, SHUT_WR);
    while (recv(connection->source.descriptor, unread, UNREAD, MSG_DONTWAIT) > 0) continue;
    close_source(shim, &connection->source);
    /* A listener that ran out of descriptors may go on. */
    watch(shim, &shim->listener, EPOLLIN);
}

static size_t queued(const struct connection *connection) { return connection->queue.end - connection->queue.start; }

/* Watches for what this connection can go on with. */
static void update_watch(struct shim *shim, struct connection *connection)
{
    uint32_t events = 0;
    if (connection->dead) return;
    if (!connection->input_ended && connection->stalled == NULL) events |= EPOLLIN;
    if (queued(connection) > 0) events |= EPOLLOUT;
    /* Nothing to wait for but the peer's leaving, which is reported even if only errors are asked for. */
    if (events == 0 && !connection->peer_gone) events = EPOLLERR;
    watch(shim, &connection->source, events);
}

static void queue_clear(struct queue *queue)
{
    free(queue->bytes);
    *queue = (struct queue){0};
}

/* Appends; false without memory. */
static bool queue_append(struct queue *queue, const uint8_t *bytes, size_t length)
{
    if (length == 0) return true;
    if (queue->start > 0 && queue->end + length > queue->capacity) {
        memmove(queue->bytes, queue->bytes + queue->start, queue->end - queue->start);
        queue->end -= queue->start;
        queue->start = 0;
    }
    if (queue->end + length > queue->capacity) {
        size_t capacity = queue->capacity == 0 ? QUEUE_START : queue->capacity;
        while (capacity < queue->end + length) capacity *= 2;
        uint8_t *larger = realloc(queue->bytes, capacity);
        if (larger == NULL) return false;
        queue->bytes = larger;
        queue->capacity = capacity;
    }
    memcpy(queue->bytes + queue->end, bytes, length);
    queue->end += length;
    return true;
}

/* The peer takes no more: what waits for it is dropped, what it has sent may still be read. */
static void stop_sending(struct connection *connection)
{
    connection->peer_gone = true;
    connection->streams &= STREAM_STDIN;
    queue_clear(&connection->queue);
}

static void flush_queue(struct shim *shim, struct connection *connection)
{
    struct queue *queue = &connection->queue;
    while (queued(connection) > 0) {
        const ssize_t sent = send(connection->source.descriptor, queue->bytes + queue->start, queued(connection), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0 && errno == EAGAIN) return;
        if (sent < 0) {
            stop_sending(connection);
            return;
        }
        queue->start += (size_t)sent;
        /* Progress: the wait for slow clients begins anew. */
        if (shim->phase == PHASE_EXITED || shim->phase == PHASE_FAILED) shim->deadline = 0;
    }
    queue_clear(queue);
}

/* Sends a frame at once as far as the socket takes it, and queues the rest. */
static void send_frame(struct shim *shim, struct connection *connection, uint8_t type, uint8_t flags, const uint8_t *payload, size_t length)
{
    uint8_t header[HEADER_SIZE];
    size_t sent = 0;
    if (connection->dead || connection->peer_gone) return;
    frame_header(header, type, flags, (uint32_t)length);
    if (queued(connection) == 0) {
        struct iovec parts[2] = {{header, HEADER_SIZE}, {(void *)payload, length}};
        const struct msghdr message = {.msg_iov = parts, .msg_iovlen = length > 0 ? 2 : 1};
        const ssize_t count = sendmsg(connection->source.descriptor, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count < 0 && errno != EAGAIN && errno != EINTR) {
            stop_sending(connection);
            return;
        }
        sent = count > 0 ? (size_t)count : 0;
        if (sent == HEADER_SIZE + length) return;
    }
    const size_t header_sent = sent < HEADER_SIZE ? sent : HEADER_SIZE;
    const bool kept = queue_append(&connection->queue, header + header_sent, HEADER_SIZE - header_sent) &&
                      queue_append(&connection->queue, payload + (sent - header_sent), length - (sent - header_sent));
    if (kept) update_watch(shim, connection);
    else connection_close(shim, connection);
}

void connections_send(struct shim *shim, uint8_t type, uint8_t flags, const uint8_t *payload, size_t length)
{
    for (struct connection *connection = shim->connections; connection != NULL; connection = connection->next)
        if (connection->reader.greeted) send_frame(shim, connection, type, flags, payload, length);
}

void connections_output(struct shim *shim, uint8_t stream, const uint8_t *bytes, size_t length)
{
    for (struct connection *connection = shim->connections; connection != NULL; connection = connection->next)
        if (connection->streams & stream) send_frame(shim, connection, REPLY_OUTPUT, stream, bytes, length);
}

size_t connections_longest_queue(const struct shim *shim)
{
    size_t longest = 0;
    for (const struct connection *connection = shim->connections; connection != NULL; connection = connection->next)
        if (!connection->dead && queued(connection) > longest) longest = queued(connection);
    return longest;
}

bool connections_idle(const struct shim *shim) { return connections_longest_queue(shim) == 0; }

/* The first client whose input ends may take the process's input with it. A terminal has no end of input. */
static void end_input(struct shim *shim, struct connection *connection)
{
    if ((connection->streams & STREAM_STDIN) == 0) return;
    connection->streams &= (uint8_t)~STREAM_STDIN;
    if (shim->options->standard_input_once && !shim->options->terminal) stdin_close(shim);
}

/* Tells a newcomer where things stand, the end included if that is behind us. */
static void greet(struct shim *shim, struct connection *connection)
{
    uint8_t hello[4 + STATE_SIZE], exit[EXIT_SIZE];
    put_u32(hello, PROTOCOL_VERSION);
    encode_state(shim, hello + 4);
    send_frame(shim, connection, REPLY_HELLO, 0, hello, sizeof hello);
    if (shim->phase != PHASE_EXITED) return;
    encode_exit(shim, exit);
    send_frame(shim, connection, REPLY_EXIT, 0, exit, sizeof exit);
}

static void start(struct shim *shim, struct connection *connection)
{
    uint8_t pid[4];
    if (shim->phase == PHASE_WAITING) {
        process_start(shim);
    } else if (shim->process > 0) {
        put_u32(pid, (uint32_t)shim->process);
        send_frame(shim, connection, REPLY_STARTED, 0, pid, sizeof pid);
    }
}

static void serve(struct shim *shim, struct connection *connection)
{
    const uint8_t *payload = connection->reader.payload;
    uint8_t answer[STATE_SIZE];
    switch (connection->reader.header[0]) {
    case REQUEST_HELLO:
        greet(shim, connection);
        break;
    case REQUEST_START:
        start(shim, connection);
        break;
    case REQUEST_ATTACH:
        connection->streams = connection->reader.header[1];
        send_frame(shim, connection, REPLY_ATTACHED, 0, NULL, 0);
        break;
    case REQUEST_CLOSE_STDIN:
        end_input(shim, connection);
        break;
    case REQUEST_RESIZE:
        terminal_resize(shim, get_u16(payload), get_u16(payload + 2));
        break;
    case REQUEST_SIGNAL:
        put_u32(answer, (uint32_t)process_signal(shim, (int)get_u32(payload)));
        send_frame(shim, connection, REPLY_SIGNALLED, 0, answer, 4);
        break;
    case REQUEST_STATE:
        encode_state(shim, answer);
        send_frame(shim, connection, REPLY_STATE, 0, answer, STATE_SIZE);
        break;
    }
}

/* Passes input on. Returns how many of the bytes were taken; input from one who is not attached to stdin goes nowhere. */
static size_t take_stdin(struct shim *shim, struct connection *connection, const uint8_t *bytes, size_t available)
{
    struct frame_reader *reader = &connection->reader;
    const size_t length = available < reader->stdin_left ? available : reader->stdin_left;
    const size_t taken = connection->streams & STREAM_STDIN ? stdin_write(shim, bytes, length) : length;
    frame_stdin_taken(reader, (uint32_t)taken);
    return taken;
}

/* Acts on what a client sent. Returns how far it got: short of `length` only if the process takes no more input. */
static size_t digest(struct shim *shim, struct connection *connection, const uint8_t *bytes, size_t length)
{
    size_t done = 0, used;
    while (done < length && !connection->dead) {
        const enum frame_status status = frame_read(&connection->reader, bytes + done, length - done, &used);
        done += used;
        if (status == FRAME_READY) {
            serve(shim, connection);
        } else if (status == FRAME_MALFORMED) {
            connection_close(shim, connection);
            return length;
        } else if (status == FRAME_STDIN) {
            const size_t wanted = connection->reader.stdin_left < length - done ? connection->reader.stdin_left : length - done;
            const size_t taken = take_stdin(shim, connection, bytes + done, length - done);
            done += taken;
            if (taken < wanted) return done;
        }
    }
    return connection->dead ? length : done;
}

/* Keeps what the process does not take yet; nothing more is read from this client meanwhile. */
static void stall(struct shim *shim, struct connection *connection, const uint8_t *bytes, size_t length)
{
    connection->stalled = malloc(length);
    if (connection->stalled == NULL) {
        connection_close(shim, connection);
        return;
    }
    memcpy(connection->stalled, bytes, length);
    connection->stalled_start = 0;
    connection->stalled_end = length;
}

static void receive(struct shim *shim, struct connection *connection)
{
    do {
        const ssize_t length = recv(connection->source.descriptor, received, RECEIVE, MSG_DONTWAIT);
        if (length < 0 && (errno == EAGAIN || errno == EINTR)) break;
        if (length <= 0) {
            /* Half a close says that the input is over. A whole one may be the engine's death, and says nothing. */
            if (length == 0 && !connection->peer_gone) end_input(shim, connection);
            connection->input_ended = true;
            break;
        }
        const size_t done = digest(shim, connection, received, (size_t)length);
        if (done < (size_t)length) stall(shim, connection, received + done, (size_t)length - done);
        /* Without a peer there will be no further event: all that is left is read now. */
    } while (connection->peer_gone && !connection->dead && connection->stalled == NULL);
    if (connection->peer_gone && connection->stalled == NULL) connection_close(shim, connection);
}

static void connection_ready(struct shim *shim, struct source *source, uint32_t events)
{
    struct connection *connection = (struct connection *)source;
    if (events & (EPOLLHUP | EPOLLERR)) stop_sending(connection);
    if (events & EPOLLOUT && !connection->peer_gone) flush_queue(shim, connection);
    if (connection->stalled == NULL && (events & (EPOLLIN | EPOLLHUP | EPOLLERR))) receive(shim, connection);
    update_watch(shim, connection);
}

void connection_resume_input(struct shim *shim)
{
    for (struct connection *connection = shim->connections; connection != NULL; connection = connection->next) {
        if (connection->dead || connection->stalled == NULL) continue;
        uint8_t *stalled = connection->stalled;
        connection->stalled_start += digest(shim, connection, stalled + connection->stalled_start, connection->stalled_end - connection->stalled_start);
        if (!connection->dead && connection->stalled_start < connection->stalled_end) continue;
        free(stalled);
        connection->stalled = NULL;
        if (connection->peer_gone) receive(shim, connection);
        update_watch(shim, connection);
    }
}

static bool is_root(int socket)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == 0;
}

void connection_open(struct shim *shim, int socket)
{
    struct connection *connection = is_root(socket) ? calloc(1, sizeof *connection) : NULL;
    if (connection == NULL) {
        (void)close(socket);
        return;
    }
    (void)fcntl(socket, F_SETFD, FD_CLOEXEC);
    (void)fcntl(socket, F_SETFL, O_RDWR | O_NONBLOCK);
    connection->source = (struct source){connection_ready, socket, 0};
    connection->next = shim->connections;
    shim->connections = connection;
    update_watch(shim, connection);
}

void connection_accept(struct shim *shim, struct source *listener, uint32_t events)
{
    (void)events;
    const int socket = accept4(listener->descriptor, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (socket >= 0) connection_open(shim, socket);
    /* Out of descriptors: a connection's close starts the listening again. */
    else if (errno == EMFILE || errno == ENFILE) watch(shim, listener, 0);
}

void connections_sweep(struct shim *shim)
{
    struct connection **link = &shim->connections;
    while (*link != NULL) {
        struct connection *connection = *link;
        if (!connection->dead) {
            link = &connection->next;
            continue;
        }
        *link = connection->next;
        queue_clear(&connection->queue);
        free(connection->stalled);
        free(connection);
    }
}

void connections_close(struct shim *shim)
{
    for (struct connection *connection = shim->connections; connection != NULL; connection = connection->next)
        connection_close(shim, connection);
    connections_sweep(shim);
}
