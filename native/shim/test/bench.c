/* How fast the log takes output: bytes of container output a second, on one core. Argument: the file to write. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lines.h"
#include "log_file.h"

enum { BURST = 64 * 1024, ROUNDS = 8192, MAXIMUM_SIZE = 64 * 1024 * 1024 };

static double seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void measure(const char *path, size_t line)
{
    static uint8_t data[BURST];
    static struct lines lines;
    struct log_file log;
    const struct log_settings settings = {path, NULL, MAXIMUM_SIZE, 1, false};
    for (size_t at = 0; at < BURST; at++) data[at] = (at + 1) % line == 0 ? '\n' : (uint8_t)('a' + at % 26);
    memset(&lines, 0, sizeof lines);
    lines.stream = "stdout";
    if (log_open(&log, &settings) != 0) return;
    const double begin = seconds();
    for (int64_t round = 0; round < ROUNDS; round++) {
        lines_feed(&lines, &log, data, BURST, 1700000000000000000 + round * 1000000);
        log_flush(&log);
    }
    const double taken = seconds() - begin;
    log_close(&log);
    (void)unlink(path);
    (void)printf("lines of %5zu bytes: %6.0f MB/s, %5.1f million lines/s\n", line, (double)BURST * ROUNDS / taken / 1e6,
                 (double)BURST * ROUNDS / (double)line / taken / 1e6);
}

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "/dev/shm/gantry-shim-bench.log";
    static const size_t lines[] = {16, 80, 200, 1024, 16384};
    for (size_t index = 0; index < sizeof lines / sizeof *lines; index++) measure(path, lines[index]);
    return 0;
}
