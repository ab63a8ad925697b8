/*
 * Noticing that the kernel killed a process of the container for its memory limit.
 *
 * cgroup v1: an eventfd registered for memory.oom_control through cgroup.event_control
 * (Documentation/admin-guide/cgroup-v1/memory.rst, section 10). cgroup v2: memory.events changes (cgroup-v2.rst).
 * Both files count kills in a line `oom_kill N`, which is read once more at the end: a process that dies at once may be
 * faster than the notice.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "shim.h"
#include "text.h"

enum { FILE_LIMIT = 1024, NOTICE_LIMIT = 1024 };

static void path_in(char *out, const char *folder, const char *name)
{
    struct text text = text_in(out, PATH_LIMIT);
    text_add(&text, folder);
    text_add(&text, "/");
    text_add(&text, name);
}

/* How many processes of the cgroup the kernel has killed so far. */
static long kills(const struct options *options)
{
    static const char key[] = "oom_kill ";
    char path[PATH_LIMIT], content[FILE_LIMIT];
    if (options->cgroup_v2 != NULL) path_in(path, options->cgroup_v2, "memory.events");
    else path_in(path, options->cgroup_v1_memory, "memory.oom_control");

    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    const ssize_t length = read(file, content, sizeof content - 1);
    (void)close(file);
    content[length < 0 ? 0 : length] = '\0';
    for (const char *line = content; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, sizeof key - 1) == 0) return strtol(line + sizeof key - 1, NULL, 10);
    }
    return 0;
}

static void tell(struct shim *shim)
{
    shim->out_of_memory = true;
    connections_send(shim, REPLY_OOM, 0, NULL, 0);
}

void oom_check(struct shim *shim)
{
    const struct options *options = shim->options;
    if (options->cgroup_v1_memory == NULL && options->cgroup_v2 == NULL) return;
    if (!shim->out_of_memory && kills(options) > shim->kills_before) tell(shim);
}

void oom_baseline(struct shim *shim)
{
    const struct options *options = shim->options;
    if (options->cgroup_v1_memory != NULL || options->cgroup_v2 != NULL) shim->kills_before = kills(options);
}

/*
 * v1 notifies just before it kills, so the counter may lag behind; and once more when the cgroup goes away. v2 notifies
 * whenever any line of the file changes, so there the counter decides.
 */
static void notice(struct shim *shim, struct source *source, uint32_t events)
{
    char ignored[NOTICE_LIMIT];
    (void)events;
    while (read(source->descriptor, ignored, sizeof ignored) > 0) continue;
    const char *v1 = shim->options->cgroup_v2 == NULL ? shim->options->cgroup_v1_memory : NULL;
    if (v1 != NULL && !shim->out_of_memory && access(v1, F_OK) == 0) tell(shim);
    oom_check(shim);
    /* Told once: the flag is never taken back. */
    if (v1 != NULL || shim->out_of_memory) close_source(shim, source);
}

static int watch_v1(const char *folder)
{
    char path[PATH_LIMIT], request[64];
    path_in(path, folder, "memory.oom_control");
    const int control = open(path, O_RDONLY | O_CLOEXEC);
    if (control < 0) return -1;
    const int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct text text = text_in(request, sizeof request);
    text_add_number(&text, event);
    text_add(&text, " ");
    text_add_number(&text, control);

    path_in(path, folder, "cgroup.event_control");
    const int registry = open(path, O_WRONLY | O_CLOEXEC);
    const bool registered = registry >= 0 && write(registry, request, text.length) == (ssize_t)text.length;
    if (registry >= 0) (void)close(registry);
    (void)close(control);
    if (registered || event < 0) return event;
    (void)close(event);
    return -1;
}

static int watch_v2(const char *folder)
{
    char path[PATH_LIMIT];
    path_in(path, folder, "memory.events");
    const int changes = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (changes < 0 || inotify_add_watch(changes, path, IN_MODIFY) >= 0) return changes;
    (void)close(changes);
    return -1;
}

void oom_watch(struct shim *shim)
{
    const struct options *options = shim->options;
    shim->oom_notice = (struct source){notice, -1, 0};
    if (options->cgroup_v2 != NULL) shim->oom_notice.descriptor = watch_v2(options->cgroup_v2);
    else if (options->cgroup_v1_memory != NULL) shim->oom_notice.descriptor = watch_v1(options->cgroup_v1_memory);
    watch(shim, &shim->oom_notice, EPOLLIN);
    /* What happened before the watch began. */
    oom_check(shim);
}
