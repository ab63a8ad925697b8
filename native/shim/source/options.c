#include "options.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum kind { FLAG, TEXT, NUMBER, LIST, DRIVER };

static const struct option {
    const char *name;
    enum kind kind;
    size_t offset;
} table[] = {
    {"--directory", TEXT, offsetof(struct options, directory)},
    {"--runtime", TEXT, offsetof(struct options, runtime)},
    {"--runtime-root", TEXT, offsetof(struct options, runtime_root)},
    {"--runtime-argument", LIST, 0},
    {"--container", TEXT, offsetof(struct options, container)},
    {"--bundle", TEXT, offsetof(struct options, bundle)},
    {"--exec", TEXT, offsetof(struct options, exec)},
    {"--terminal", FLAG, offsetof(struct options, terminal)},
    {"--stdin", FLAG, offsetof(struct options, standard_input)},
    {"--stdin-once", FLAG, offsetof(struct options, standard_input_once)},
    {"--log-driver", DRIVER, 0},
    {"--log-path", TEXT, offsetof(struct options, log.path)},
    {"--log-attributes", TEXT, offsetof(struct options, log.attributes)},
    {"--log-max-size", NUMBER, offsetof(struct options, log.maximum_size)},
    {"--log-max-file", NUMBER, offsetof(struct options, log.maximum_files)},
    {"--log-compress", FLAG, offsetof(struct options, log.compress)},
    {"--cgroup-v1-memory", TEXT, offsetof(struct options, cgroup_v1_memory)},
    {"--cgroup-v2", TEXT, offsetof(struct options, cgroup_v2)},
};

static const struct option *find(const char *name)
{
    for (size_t index = 0; index < sizeof table / sizeof *table; index++)
        if (strcmp(table[index].name, name) == 0) return &table[index];
    return NULL;
}

static const char *set_number(int64_t *target, const char *value)
{
    char *end;
    *target = strtoll(value, &end, 10);
    return *value == '\0' || *end != '\0' || *target < 0 ? "not a whole number" : NULL;
}

static const char *set(struct options *options, const struct option *option, const char *value, const char **driver)
{
    void *target = (char *)options + option->offset;
    switch (option->kind) {
    case FLAG:
        *(bool *)target = true;
        return NULL;
    case TEXT:
        *(const char **)target = value;
        return NULL;
    case NUMBER:
        return set_number(target, value);
    case LIST:
        if (options->runtime_argument_count == RUNTIME_ARGUMENTS_LIMIT) return "too many";
        options->runtime_arguments[options->runtime_argument_count++] = value;
        return NULL;
    case DRIVER:
        *driver = value;
        return NULL;
    }
    return "unknown kind";
}

/* What only the whole command line shows. */
static const char *check(struct options *options, const char *driver, const char **culprit)
{
    const bool to_file = strcmp(driver, "json-file") == 0;
    *culprit = driver;
    if (!to_file && strcmp(driver, "none") != 0) return "unknown log driver";
    *culprit = "--directory, --runtime, --container, --bundle";
    if (options->directory == NULL || options->runtime == NULL || options->container == NULL) return "missing";
    if (options->bundle == NULL && options->exec == NULL) return "missing";
    *culprit = "--directory";
    if (options->directory[0] != '/') return "not absolute";
    *culprit = "--log-path";
    if (!to_file) options->log.path = NULL;
    else if (options->log.path == NULL) return "missing";
    *culprit = "--log-attributes";
    if (options->log.attributes != NULL && strlen(options->log.attributes) > ATTRIBUTES_LIMIT) return "too long";
    return NULL;
}

const char *options_parse(struct options *options, char **argv, const char **culprit)
{
    const char *driver = "none";
    *options = (struct options){.log = {.maximum_files = 1}};
    for (char **at = argv + 1; *at != NULL; at++) {
        const struct option *option = find(*at);
        *culprit = *at;
        if (option == NULL) return "unknown option";
        if (option->kind != FLAG && at[1] == NULL) return "needs a value";
        const char *wrong = set(options, option, option->kind == FLAG ? NULL : *++at, &driver);
        if (wrong != NULL) return wrong;
    }
    return check(options, driver, culprit);
}
