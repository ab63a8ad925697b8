/*
 * gantry-cgroup1 UNIFIED PROGRAM [ARGUMENT...]
 *
 * Runs an OCI runtime with only the version 1 cgroup hierarchies in sight. crun, which starts a container in a fifth of
 * runc's time, refuses hosts that mount the version 2 hierarchy beside them, as Debian without systemd does. Here it runs in a
 * mount namespace of its own, a copy of the host's without that one mount (UNIFIED). The copy ends with the runtime;
 * propagation to and from every other mount stays what it is.
 *
 * A container must not be able to write to the runtime's program through /proc/PID/exe (CVE-2019-5736). crun starts itself
 * again from a read-only mount of its file for that; here it is started from one at once, which saves it the second start.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

enum {
    /* What shells use for a command that cannot be run (POSIX, "Exit Status for Commands"). */
    CANNOT_RUN = 126,
};

static int fail(const char *what)
{
    (void)fprintf(stderr, "gantry-cgroup1: %s: %s\n", what, strerror(errno));
    return CANNOT_RUN;
}

/*
 * Becomes the program, its file on a read-only mount that is attached nowhere (open_tree(2), mount_setattr(2): Linux 5.12).
 * crun looks at this variable, then at the mount of its file (libcrun, cloned_binary.c). Returns only if that cannot be.
 */
static void start_from_read_only_mount(char **arguments)
{
    struct mount_attr read_only = {.attr_set = MOUNT_ATTR_RDONLY};
    const int file = open_tree(AT_FDCWD, arguments[0], OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (file < 0 || mount_setattr(file, "", AT_EMPTY_PATH, &read_only, sizeof read_only) < 0) return;
    if (setenv("_LIBCONTAINER_CLONED_BINARY", "1", 1) < 0) return;
    (void)execveat(file, "", arguments, environ, AT_EMPTY_PATH);
    (void)unsetenv("_LIBCONTAINER_CLONED_BINARY");
}

int main(int count, char **arguments)
{
    if (count < 3) {
        (void)fputs("usage: gantry-cgroup1 UNIFIED PROGRAM [ARGUMENT...]\n", stderr);
        return CANNOT_RUN;
    }
    const char *unified = arguments[1];
    char parent[4096];
    if (strlen(unified) >= sizeof parent) {
        errno = ENAMETOOLONG;
        return fail(unified);
    }
    if (unshare(CLONE_NEWNS) < 0) return fail("unshare");
    /* Else a host with shared mounts would lose it too. */
    if (mount(NULL, dirname(strcpy(parent, unified)), NULL, MS_PRIVATE, NULL) < 0) return fail(parent);
    if (umount2(unified, MNT_DETACH) < 0) return fail(unified);
    start_from_read_only_mount(arguments + 2);
    (void)execv(arguments[2], arguments + 2);
    return fail(arguments[2]);
}
