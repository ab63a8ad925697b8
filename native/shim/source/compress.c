#include "compress.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <zlib.h>

#include "json_entry.h"
#include "text.h"

enum {
    CHUNK = 32 * 1024,
    /* zlib.h, deflateInit2: the largest window, plus 16 for a gzip header. */
    GZIP_WINDOW = 15 + 16,
    MEMORY_LEVEL = 8,
    /* RFC 1952: operating system "unknown", which is what Go writes. */
    UNKNOWN_SYSTEM = 255,
    GZ_MODE = 0640,
};

static bool write_all(int file, const uint8_t *bytes, size_t length)
{
    while (length > 0) {
        const ssize_t count = write(file, bytes, length);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return false;
        bytes += count;
        length -= (size_t)count;
    }
    return true;
}

/* Feeds `in` through the stream to `out`. */
static bool deflate_file(z_stream *stream, int in, int out)
{
    static uint8_t input[CHUNK], output[CHUNK];
    int flush = Z_NO_FLUSH;
    while (flush != Z_FINISH) {
        const ssize_t got = read(in, input, CHUNK);
        if (got < 0) return false;
        flush = got == 0 ? Z_FINISH : Z_NO_FLUSH;
        stream->next_in = input;
        stream->avail_in = (uInt)got;
        do {
            stream->next_out = output;
            stream->avail_out = CHUNK;
            if (deflate(stream, flush) == Z_STREAM_ERROR) return false;
            if (!write_all(out, output, CHUNK - stream->avail_out)) return false;
        } while (stream->avail_out == 0);
    }
    return true;
}

/* dockerd skips a file older than `--since` by this field (loggerutils.rotateFileMetadata). */
static size_t last_time_field(uint8_t *out, int64_t last_time)
{
    static const char before[] = "{\"lastTime\":\"", after[] = "\"}";
    uint8_t *end = out;
    memcpy(end, before, sizeof before - 1);
    end = format_time(end + sizeof before - 1, last_time);
    memcpy(end, after, sizeof after - 1);
    return (size_t)(end + sizeof after - 1 - out);
}

static bool compress_file(const char *path, const char *gz_path, int64_t last_time)
{
    uint8_t extra[TIME_LIMIT + 32];
    gz_header header = {.os = UNKNOWN_SYSTEM, .extra = extra};
    z_stream stream = {0};
    header.extra_len = (uInt)last_time_field(extra, last_time);

    const int in = open(path, O_RDONLY | O_CLOEXEC);
    if (in < 0) return false;
    const int out = open(gz_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, GZ_MODE);
    if (out < 0) return false;
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    if (deflateSetHeader(&stream, &header) != Z_OK) return false;
    const bool done = deflate_file(&stream, in, out);
    (void)deflateEnd(&stream);
    return done && close(out) == 0;
}

pid_t compress_in_child(const char *path, int64_t last_time)
{
    const pid_t child = fork();
    if (child != 0) return child > 0 ? child : 0;

    char gz_path[PATH_LIMIT];
    struct text text = text_in(gz_path, sizeof gz_path);
    text_add(&text, path);
    text_add(&text, ".gz");
    /* The container's pipes and the clients' sockets must not stay open because of this child. */
    (void)close_range(0, ~0U, 0);
    (void)prctl(PR_SET_NAME, "gantry-compress");
    (void)unlink(compress_file(path, gz_path, last_time) ? path : gz_path);
    _exit(0);
}
