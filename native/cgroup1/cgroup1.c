/*
 * gantry-cgroup1 UNIFIED PROGRAM [ARGUMENT...]
 *
 * Runs an OCI runtime with only the version 1 cgroup hierarchies in sight. crun, which starts a container in a fifth of
 * runc's time, refuses hosts that mount the version 2 hierarchy beside them, as Debian without systemd does. Here it runs in a
 * mount namespace of its own, a copy of the host's without that one mount (UNIFIED). The copy ends with the runtime;
 * propagation to and from every other mount stays what it is.
 */
#include <errno.h>
#include <libgen.h>
#include <sched.h>
#include <stdio.h>
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
    (void)execv(arguments[2], arguments + 2);
    return fail(arguments[2]);
}
