/* What the engine tells the shim on its command line. src/runtime/shim-client.ts (shimArguments) is the other side. */
#ifndef GANTRY_OPTIONS_H
#define GANTRY_OPTIONS_H

#include <stdbool.h>

#include "log_file.h"

enum {
    /* Arguments for the runtime before its command, such as --systemd-cgroup. */
    RUNTIME_ARGUMENTS_LIMIT = 16,
    /* The log's buffer has room for this much in every entry. */
    ATTRIBUTES_LIMIT = 16 * 1024,
};

struct options {
    const char *directory;    /* holds shim.sock, pid, exit; made if missing */
    const char *runtime;      /* the OCI runtime's program */
    const char *runtime_root; /* its --root, or NULL */
    const char *runtime_arguments[RUNTIME_ARGUMENTS_LIMIT];
    int runtime_argument_count;
    const char *container;
    const char *bundle;       /* for the container's first process */
    const char *exec;         /* process.json of a further process in it, or NULL */
    bool terminal;
    bool standard_input;      /* else the process reads /dev/null */
    bool standard_input_once; /* its input ends with the first client's */
    struct log_settings log;
    const char *cgroup_v1_memory; /* the container's folder in the memory hierarchy, or NULL */
    const char *cgroup_v2;        /* the container's folder in the unified hierarchy, or NULL */
};

/* Reads argv. Returns NULL, or what is wrong; `*culprit` is then the argument. The strings of argv are kept. */
const char *options_parse(struct options *options, char **argv, const char **culprit);

#endif
