/*
 * gantry-shim: the smallest daemon a container can have.
 *
 * There is one for each process of a container that the engine starts: its first one, or one that `exec` adds. The shim
 * holds the process's stdio or terminal, writes the log, serves attached clients, reaps the process and records its
 * exit. It outlives the engine.
 *
 * Started with the engine's end of a socket pair as descriptor 3; returns (in the sense of its first process) once
 * shim.sock listens.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "shim.h"
#include "text.h"

enum {
    CONTROL = 3,
    FIRST_STRAY = 4,
    BACKLOG = 64,
    FOLDER_MODE = 0700,
    USAGE_STATUS = 2,
};

static void complain(const char *what, const char *detail)
{
    char line[512];
    struct text text = text_in(line, sizeof line);
    text_add(&text, "gantry-shim: ");
    text_add(&text, what);
    text_add(&text, ": ");
    text_add(&text, detail);
    text_add(&text, "\n");
    (void)!write(STDERR_FILENO, line, text.length);
}

/* Without an open descriptor below, the next one opened would take its number and be mistaken for it. */
static bool stdio_and_control_are_open(void)
{
    for (int descriptor = STDIN_FILENO; descriptor <= CONTROL; descriptor++)
        if (fcntl(descriptor, F_GETFD) < 0) return false;
    return true;
}

/* Enters the directory. All names are relative from here on: socket paths may be no longer than 107 bytes. */
static const char *enter(struct shim *shim)
{
    if (mkdir(shim->options->directory, FOLDER_MODE) < 0 && errno != EEXIST) return "mkdir";
    shim->folder = open(shim->options->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (shim->folder < 0) return "open";
    return fchdir(shim->folder) < 0 ? "chdir" : NULL;
}

static const char *listen_in_folder(struct shim *shim)
{
    const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "shim.sock"};
    const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener < 0) return "socket";
    (void)unlink(address.sun_path);
    if (bind(listener, (const struct sockaddr *)&address, sizeof address) < 0) return "bind";
    if (listen(listener, BACKLOG) < 0) return "listen";
    shim->listener = (struct source){connection_accept, listener, 0};
    return NULL;
}

int main(int argc, char **argv)
{
    (void)argc;
    static struct options options;
    static struct shim shim;
    const char *culprit = NULL;
    const char *failure = options_parse(&options, argv, &culprit);
    if (failure != NULL) {
        complain(failure, culprit);
        return USAGE_STATUS;
    }

    if (!stdio_and_control_are_open()) {
        complain("descriptors 0 to 3", "not all open");
        return USAGE_STATUS;
    }

    shim.options = &options;
    (void)close_range(FIRST_STRAY, ~0U, 0);
    (void)umask(077);
    failure = enter(&shim);
    if (failure == NULL) failure = listen_in_folder(&shim);
    if (failure == NULL) failure = streams_open(&shim);
    if (failure != NULL) {
        complain(failure, strerror(errno));
        return 1;
    }

    const pid_t child = fork();
    if (child < 0) {
        complain("fork", strerror(errno));
        return 1;
    }
    if (child > 0) _exit(0);

    daemon_prepare(&shim);
    connection_open(&shim, CONTROL);
    watch(&shim, &shim.listener, EPOLLIN);
    run(&shim);
    (void)unlink("shim.sock");
    return 0;
}
