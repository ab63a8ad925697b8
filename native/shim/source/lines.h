/* Cuts one output stream of the container into the lines of its log, as dockerd's copier does. */
#ifndef GANTRY_LINES_H
#define GANTRY_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json_entry.h"
#include "log_file.h"

struct lines {
    const char *stream;          /* "stdout" or "stderr" */
    bool inside;                 /* a piece of the present line is already in the log */
    int64_t line_time;           /* of that first piece: all pieces of a line have one time */
    size_t length;               /* bytes of the present line that wait for its end */
    uint8_t waiting[LINE_LIMIT];
};

/* Logs the lines that end in `data`; keeps the rest. `now` is the time of the reading. */
void lines_feed(struct lines *lines, struct log_file *log, const uint8_t *data, size_t length, int64_t now);

/* The stream has ended: logs a last line without newline, if there is one. */
void lines_end(struct lines *lines, struct log_file *log, int64_t now);

#endif
