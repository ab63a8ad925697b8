/*
 * The json-file log of a container: entries are gathered in one buffer and written in batches, files are rotated and
 * compressed as dockerd does it (daemon/logger/loggerutils/logfile.go).
 *
 * A full disk loses entries, never the container: what could not be written whole is cut off again, and logging goes
 * on when there is room.
 */
#ifndef GANTRY_LOG_FILE_H
#define GANTRY_LOG_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct log_settings {
    const char *path;       /* NULL: no log at all */
    const char *attributes; /* a JSON object for every entry, or NULL */
    int64_t maximum_size;   /* bytes before a rotation; 0: no limit */
    int64_t maximum_files;  /* counting the one written to */
    bool compress;          /* rotated files become .gz */
};

struct log_file {
    struct log_settings settings;
    int file;            /* -1: closed, or never opened */
    bool torn;           /* bytes past `size` are half an entry that could not be cut off yet */
    pid_t compressor;    /* the child that compresses PATH.1, or 0 */
    int64_t size;        /* bytes of whole entries in the file */
    int64_t given_time;  /* the newest that log_time() gave out */
    int64_t last_time;   /* of the newest entry */
    size_t gathered;     /* bytes in the buffer */
};

/* Opens (or continues) the file. Returns 0 or an errno. */
int log_open(struct log_file *log, const struct log_settings *settings);

/* A time for the next entry: `now`, or just after the last entry's, so that entries stay ordered and distinct. */
int64_t log_time(struct log_file *log, int64_t now);

/* Adds an entry (at most LINE_LIMIT bytes of text). Rotates first if the file has reached its size. */
void log_add(struct log_file *log, const char *stream, int64_t time, const uint8_t *text, size_t length, bool newline);

/* Hands what was gathered to the kernel. Call at the end of each burst. */
void log_flush(struct log_file *log);

/*
 * True if a rotation is due and the last one's compression is still going on: reading more output would outrun the
 * size limit, so the container has to wait (as it does with dockerd).
 */
bool log_is_behind(const struct log_file *log);

/* Takes note that child `pid` ended; true if it was the compressor. */
bool log_child_ended(struct log_file *log, pid_t pid);

void log_close(struct log_file *log);

#endif
