/* Running the OCI runtime, and reading what it left behind. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "shim.h"
#include "text.h"

static const char LOG[] = "runtime.log", CONSOLE[] = "console.sock", PID[] = "pid";

enum {
    /* The runtime's own name, root, log, command with its options, container, end; and the engine's extras. */
    ARGUMENT_LIMIT = 24 + RUNTIME_ARGUMENTS_LIMIT,
    EXEC_FAILED_STATUS = 127,
};

static const char *listen_for_console(struct shim *shim)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, CONSOLE, sizeof CONSOLE);
    shim->console_listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (shim->console_listener < 0) return "socket";
    (void)unlink(CONSOLE);
    if (bind(shim->console_listener, (const struct sockaddr *)&address, sizeof address) < 0) return "bind console";
    return listen(shim->console_listener, 1) < 0 ? "listen console" : NULL;
}

struct command {
    const char *arguments[ARGUMENT_LIMIT];
    int count;
    char log[PATH_LIMIT], pid[PATH_LIMIT], console[PATH_LIMIT];
};

static void add(struct command *command, const char *argument) { command->arguments[command->count++] = argument; }

static void add_pair(struct command *command, const char *option, const char *value)
{
    add(command, option);
    add(command, value);
}

/* Absolute: runtimes change their directory to the bundle's before they use some of these names. */
static const char *in_folder(char *out, const struct shim *shim, const char *name)
{
    struct text text = text_in(out, PATH_LIMIT);
    text_add(&text, shim->options->directory);
    text_add(&text, "/");
    text_add(&text, name);
    return out;
}

/* The console socket's name must fit into a socket address, so it goes by way of our descriptor of the folder. */
static const char *console_path(char *out, const struct shim *shim)
{
    struct text text = text_in(out, PATH_LIMIT);
    text_add(&text, "/proc/");
    text_add_number(&text, getpid());
    text_add(&text, "/fd/");
    text_add_number(&text, shim->folder);
    text_add(&text, "/");
    text_add(&text, CONSOLE);
    return out;
}

/* `run` makes and starts the container in one go: half the runtime's start-up cost of `create` and `start`. */
static void build_command(struct command *command, const struct shim *shim)
{
    const struct options *options = shim->options;
    command->count = 0;
    add(command, options->runtime);
    for (int index = 0; index < options->runtime_argument_count; index++) add(command, options->runtime_arguments[index]);
    if (options->runtime_root != NULL) add_pair(command, "--root", options->runtime_root);
    add_pair(command, "--log", in_folder(command->log, shim, LOG));
    add_pair(command, "--log-format", "json");
    if (options->exec != NULL) add_pair(command, "exec", "--process");
    else add_pair(command, "run", "--bundle");
    add(command, options->exec != NULL ? options->exec : options->bundle);
    add(command, "--detach");
    add_pair(command, "--pid-file", in_folder(command->pid, shim, PID));
    if (options->terminal) add_pair(command, "--console-socket", console_path(command->console, shim));
    add(command, options->container);
    add(command, NULL);
}

/* In the child. Its stdio is the process's own. */
static void become_runtime(const struct shim *shim, const struct command *command)
{
    for (int standard = STDIN_FILENO; standard <= STDERR_FILENO; standard++)
        if (shim->runtime_ends[standard] >= 0) (void)dup2(shim->runtime_ends[standard], standard);
    daemon_restore_child();
    (void)execv(command->arguments[0], (char *const *)command->arguments);

    char reason[512];
    struct text text = text_in(reason, sizeof reason);
    text_add(&text, "exec ");
    text_add(&text, command->arguments[0]);
    text_add(&text, ": ");
    text_add(&text, strerror(errno));
    (void)!write(STDERR_FILENO, reason, text.length);
    _exit(EXEC_FAILED_STATUS);
}

const char *runtime_spawn(struct shim *shim)
{
    struct command command;
    shim->console_listener = -1;
    (void)unlink(PID);
    (void)unlink(LOG);
    if (shim->options->terminal) {
        const char *failure = listen_for_console(shim);
        if (failure != NULL) return failure;
    }
    build_command(&command, shim);
    shim->runtime = fork();
    if (shim->runtime < 0) return "fork";
    if (shim->runtime == 0) become_runtime(shim, &command);
    for (int standard = STDIN_FILENO; standard <= STDERR_FILENO; standard++) {
        if (shim->runtime_ends[standard] >= 0) (void)close(shim->runtime_ends[standard]);
        shim->runtime_ends[standard] = -1;
    }
    return NULL;
}

size_t runtime_log(struct shim *shim, uint8_t *out, size_t capacity)
{
    struct stat status;
    ssize_t length = 0;
    const int file = open(LOG, O_RDONLY | O_CLOEXEC);
    if (file >= 0 && fstat(file, &status) == 0) {
        const off_t excess = status.st_size - (off_t)capacity;
        length = pread(file, out, capacity, excess > 0 ? excess : 0);
    }
    if (file >= 0) (void)close(file);
    if (length > 0) return (size_t)length;
    /* Nothing there (the runtime did not even begin): its stderr, then. */
    length = read(shim->outputs[1].source.descriptor, out, capacity);
    return length > 0 ? (size_t)length : 0;
}

pid_t runtime_pid_file(struct shim *shim)
{
    char digits[16];
    (void)shim;
    const int file = open(PID, O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    const ssize_t length = read(file, digits, sizeof digits - 1);
    (void)close(file);
    digits[length < 0 ? 0 : length] = '\0';
    return (pid_t)strtol(digits, NULL, 10);
}

void runtime_forget(struct shim *shim)
{
    shim->runtime = 0;
    (void)unlink(LOG);
    if (shim->options->terminal) (void)unlink(CONSOLE);
    if (shim->console_listener >= 0) (void)close(shim->console_listener);
    shim->console_listener = -1;
}
