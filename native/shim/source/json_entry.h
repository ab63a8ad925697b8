/* One entry of Docker's json-file log, byte for byte as dockerd writes it. Pure. */
#ifndef GANTRY_JSON_ENTRY_H
#define GANTRY_JSON_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    /* dockerd cuts longer lines into entries of this size without a newline (daemon/logger/copier.go). */
    LINE_LIMIT = 16 * 1024,
    /* The longest text for one byte of a line: \u0001 and \ufffd. */
    ESCAPE_LIMIT = 6,
    /* "2006-01-02T15:04:05.999999999Z" */
    TIME_LIMIT = 30,
    /* json_escape() may scribble this far past the text it returns. */
    ESCAPE_SLACK = 16,
    /* The most that json_entry() touches, attributes aside: the line and less than 128 bytes around it. */
    ENTRY_LIMIT = LINE_LIMIT * ESCAPE_LIMIT + 128 + ESCAPE_SLACK,
};

struct entry {
    const uint8_t *text;
    size_t length;       /* at most LINE_LIMIT */
    bool newline;        /* false for a piece of a longer line, and for a last line that was never ended */
    const char *stream;  /* "stdout" or "stderr" */
    int64_t time;        /* nanoseconds since 1970 */
    const char *attributes; /* a JSON object, or NULL: what log options like `labels` add */
};

/* Writes the entry and returns the end of what was written. `out` must have ENTRY_LIMIT bytes and those of the attributes. */
uint8_t *json_entry(uint8_t *out, const struct entry *entry);

/* Writes text as the inside of a JSON string, by moby's rules; returns the end. */
uint8_t *json_escape(uint8_t *out, const uint8_t *text, size_t length);

/* Writes a time as Go's time.RFC3339Nano in UTC (trailing zeros of the fraction are dropped); returns the end. */
uint8_t *format_time(uint8_t *out, int64_t nanoseconds);

#endif
