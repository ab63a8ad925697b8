#include "log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "compress.h"
#include "json_entry.h"
#include "options.h"
#include "text.h"

enum {
    /* A batch: large enough that write(2) costs little beside the copying, small enough to stay in the cache. */
    BATCH = 64 * 1024,
    /* dockerd's mode for json-file logs. */
    LOG_MODE = 0640,
};

/* Its pages exist only once something has been logged. */
static uint8_t buffer[BATCH + ENTRY_LIMIT + ATTRIBUTES_LIMIT];

/* Cuts off what follows the last newline: half an entry that a power cut left. `size` is the file's. */
static int64_t cut_torn_entry(int file, int64_t size)
{
    int64_t end = size;
    while (end > 0) {
        const int64_t from = end > BATCH ? end - BATCH : 0;
        const ssize_t got = pread(file, buffer, (size_t)(end - from), from);
        if (got <= 0) return size;
        const uint8_t *newline = memrchr(buffer, '\n', (size_t)got);
        if (newline != NULL) {
            end = from + (newline - buffer) + 1;
            break;
        }
        end = from;
    }
    if (end == size || ftruncate(file, end) == 0) return end;
    return size;
}

static int open_file(struct log_file *log, int flags)
{
    log->file = open(log->settings.path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags, LOG_MODE);
    return log->file < 0 ? errno : 0;
}

int log_open(struct log_file *log, const struct log_settings *settings)
{
    struct stat status;
    *log = (struct log_file){.settings = *settings, .file = -1};
    if (settings->path == NULL) return 0;
    const int failure = open_file(log, 0);
    if (failure != 0) return failure;
    if (fstat(log->file, &status) < 0) return errno;
    log->size = S_ISREG(status.st_mode) ? cut_torn_entry(log->file, status.st_size) : 0;
    return 0;
}

int64_t log_time(struct log_file *log, int64_t now)
{
    log->given_time = now > log->given_time ? now : log->given_time + 1;
    return log->given_time;
}

/* PATH.N or PATH.N.gz */
static void numbered(char *out, const struct log_file *log, int64_t number, bool gz)
{
    struct text text = text_in(out, PATH_LIMIT);
    text_add(&text, log->settings.path);
    text_add(&text, ".");
    text_add_number(&text, number);
    if (gz) text_add(&text, ".gz");
}

/* Moves every older file one number up; the oldest is removed. Missing ones are no matter. */
static void shift_files(const struct log_file *log)
{
    char from[PATH_LIMIT], to[PATH_LIMIT];
    const bool gz = log->settings.compress;

    numbered(to, log, log->settings.maximum_files - 1, gz);
    (void)unlink(to);
    for (int64_t number = log->settings.maximum_files - 1; number > 1; number--) {
        numbered(to, log, number, gz);
        numbered(from, log, number - 1, gz);
        (void)rename(from, to);
    }
    numbered(to, log, 1, false);
    (void)rename(log->settings.path, to);
}

static void rotate(struct log_file *log)
{
    const bool keep = log->settings.maximum_files >= 2;
    if (keep) shift_files(log);
    else (void)unlink(log->settings.path);

    (void)close(log->file);
    log->size = 0;
    log->torn = false;
    /* Emptied even so, in case the rename did not work out (dockerd does the same). */
    if (open_file(log, O_TRUNC) != 0) return;
    if (keep && log->settings.compress) {
        char path[PATH_LIMIT];
        numbered(path, log, 1, false);
        log->compressor = compress_in_child(path, log->last_time);
    }
}

static bool is_full(const struct log_file *log)
{
    return log->settings.maximum_size > 0 && log->size + (int64_t)log->gathered >= log->settings.maximum_size;
}

bool log_is_behind(const struct log_file *log) { return log->compressor > 0 && is_full(log); }

bool log_child_ended(struct log_file *log, pid_t pid)
{
    if (log->compressor <= 0 || pid != log->compressor) return false;
    log->compressor = 0;
    return true;
}

/* Only in the middle of a burst: before the next one is read, log_is_behind() has it wait without blocking. */
static void await_compressor(struct log_file *log)
{
    while (log->compressor > 0 && waitpid(log->compressor, NULL, 0) < 0 && errno == EINTR) continue;
    log->compressor = 0;
}

void log_add(struct log_file *log, const char *stream, int64_t time, const uint8_t *text, size_t length, bool newline)
{
    if (log->settings.path == NULL) return;
    if (is_full(log)) {
        await_compressor(log);
        log_flush(log);
        rotate(log);
    }
    const struct entry entry = {text, length, newline, stream, time, log->settings.attributes};
    log->gathered = (size_t)(json_entry(buffer + log->gathered, &entry) - buffer);
    log->last_time = time;
    if (log->gathered >= BATCH) log_flush(log);
}

/* Writes all it can; returns how many bytes that was. */
static size_t write_gathered(int file, size_t length)
{
    size_t written = 0;
    while (written < length) {
        const ssize_t count = write(file, buffer + written, length - written);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        written += (size_t)count;
    }
    return written;
}

/* After a short write: forgets the entries that did not fit, and cuts off the one that fitted in part. */
static void give_up_rest(struct log_file *log, size_t written)
{
    struct stat status;
    const uint8_t *newline = written == 0 ? NULL : memrchr(buffer, '\n', written);
    const size_t whole = newline == NULL ? 0 : (size_t)(newline - buffer) + 1;

    log->size += (int64_t)whole;
    if (written == whole) return;
    /* Counted from the end: someone else may have emptied the file meanwhile. */
    if (fstat(log->file, &status) == 0) log->size = status.st_size - (int64_t)(written - whole);
    log->torn = ftruncate(log->file, log->size) < 0;
}

void log_flush(struct log_file *log)
{
    const size_t length = log->gathered;
    if (length == 0) return;
    log->gathered = 0;
    if (log->file < 0 && open_file(log, 0) != 0) return;
    if (log->torn && ftruncate(log->file, log->size) < 0) return;
    log->torn = false;

    const size_t written = write_gathered(log->file, length);
    if (written == length) log->size += (int64_t)length;
    else give_up_rest(log, written);
}

void log_close(struct log_file *log)
{
    log_flush(log);
    if (log->file >= 0) (void)close(log->file);
    log->file = -1;
}
