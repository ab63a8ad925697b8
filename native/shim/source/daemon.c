/* Becoming a daemon, and undoing that for the children. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim.h"

/* proc(5): as hard to kill as a process can be without being exempt, which only -1000 is. */
static const char KEEP[] = "-999";
static const char ORDINARY[] = "0";

/* Careless hands and a stopping init system send these; the shim leaves when its process has. */
static const int ignored[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGUSR1, SIGUSR2};

static void set_oom_score(const char *score)
{
    const int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (file < 0) return;
    (void)!write(file, score, strlen(score));
    (void)close(file);
}

static void detach_stdio(void)
{
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0) return;
    for (int standard = STDIN_FILENO; standard <= STDERR_FILENO; standard++) (void)dup2(null, standard);
    (void)close(null);
}

static void child_signal(struct shim *shim, struct source *source, uint32_t events)
{
    struct signalfd_siginfo news;
    (void)events;
    /* Several ends may be one signal: the news itself says nothing. */
    while (read(source->descriptor, &news, sizeof news) > 0) continue;
    process_child_ended(shim);
}

void daemon_prepare(struct shim *shim)
{
    sigset_t children;
    (void)setsid();
    detach_stdio();
    set_oom_score(KEEP);
    (void)prctl(PR_SET_NAME, "gantry-shim");
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    (void)prctl(PR_SET_DUMPABLE, 0);
    for (size_t index = 0; index < sizeof ignored / sizeof *ignored; index++) (void)signal(ignored[index], SIG_IGN);

    (void)sigemptyset(&children);
    (void)sigaddset(&children, SIGCHLD);
    (void)sigprocmask(SIG_SETMASK, &children, NULL);
    shim->epoll = epoll_create1(EPOLL_CLOEXEC);
    const int signals = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
    if (shim->epoll < 0 || signals < 0) _exit(1);
    shim->signals = (struct source){child_signal, signals, 0};
    watch(shim, &shim->signals, EPOLLIN);
}

void daemon_restore_child(void)
{
    sigset_t none;
    (void)sigemptyset(&none);
    for (int number = 1; number < NSIG; number++) (void)signal(number, SIG_DFL);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    set_oom_score(ORDINARY);
    /* A half-made container that nobody holds is worse than none. */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)umask(022);
}

void daemon_drop_start_code(void)
{
    extern const char __executable_start, etext;
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    const uintptr_t start = (uintptr_t)&__executable_start & ~(page - 1), end = (uintptr_t)&etext & ~(page - 1);
    (void)madvise((void *)start, end - start, MADV_DONTNEED);
}
