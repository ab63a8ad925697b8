#include "lines.h"

#include <string.h>

static int64_t time_of_line(struct lines *lines, struct log_file *log, int64_t now)
{
    return lines->inside ? lines->line_time : log_time(log, now);
}

static void log_line(struct lines *lines, struct log_file *log, const uint8_t *text, size_t length, int64_t now)
{
    log_add(log, lines->stream, time_of_line(lines, log, now), text, length, true);
    lines->inside = false;
}

static void log_piece(struct lines *lines, struct log_file *log, const uint8_t *text, size_t length, int64_t now)
{
    lines->line_time = time_of_line(lines, log, now);
    lines->inside = true;
    log_add(log, lines->stream, lines->line_time, text, length, false);
}

static void keep(struct lines *lines, const uint8_t *data, size_t length)
{
    memcpy(lines->waiting + lines->length, data, length);
    lines->length += length;
}

/* Completes the line that waits, as far as `data` goes. Returns how much of it was used. */
static size_t complete_waiting(struct lines *lines, struct log_file *log, const uint8_t *data, size_t length, int64_t now)
{
    const size_t room = LINE_LIMIT - lines->length, reach = length < room ? length : room;
    const uint8_t *newline = memchr(data, '\n', reach);
    if (newline != NULL) {
        const size_t count = (size_t)(newline - data);
        keep(lines, data, count);
        log_line(lines, log, lines->waiting, lines->length, now);
        lines->length = 0;
        return count + 1;
    }
    keep(lines, data, reach);
    if (lines->length == LINE_LIMIT) {
        log_piece(lines, log, lines->waiting, LINE_LIMIT, now);
        lines->length = 0;
    }
    return reach;
}

void lines_feed(struct lines *lines, struct log_file *log, const uint8_t *data, size_t length, int64_t now)
{
    const uint8_t *end = data + length;
    if (lines->length > 0) data += complete_waiting(lines, log, data, length, now);

    while (data < end) {
        const size_t left = (size_t)(end - data), reach = left < LINE_LIMIT ? left : LINE_LIMIT;
        const uint8_t *newline = memchr(data, '\n', reach);
        if (newline != NULL) {
            log_line(lines, log, data, (size_t)(newline - data), now);
            data = newline + 1;
        } else if (reach == LINE_LIMIT) {
            log_piece(lines, log, data, LINE_LIMIT, now);
            data += LINE_LIMIT;
        } else {
            keep(lines, data, left);
            return;
        }
    }
}

void lines_end(struct lines *lines, struct log_file *log, int64_t now)
{
    if (lines->length > 0) log_piece(lines, log, lines->waiting, lines->length, now);
    lines->length = 0;
}
