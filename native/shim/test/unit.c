/* Unit tests of the pure parts and of the log's files, for the sanitizers and valgrind. Prints what failed. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "frames.h"
#include "json_entry.h"
#include "lines.h"
#include "log_file.h"
#include "options.h"
#include "reference.h"
#include "text.h"

static int failures;

static void expect(bool condition, const char *what)
{
    if (condition) return;
    failures++;
    (void)printf("FAILED: %s\n", what);
}

static void expect_text(const char *actual, size_t length, const char *expected, const char *what)
{
    if (strlen(expected) == length && memcmp(actual, expected, length) == 0) return;
    failures++;
    (void)printf("FAILED: %s: got %.*s, expected %s\n", what, (int)length, actual, expected);
}

static void test_time(void)
{
    static const struct {
        int64_t time;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00Z"},
        {1, "1970-01-01T00:00:00.000000001Z"},
        {951782399999000000, "2000-02-28T23:59:59.999Z"},
        {951782400000000000, "2000-02-29T00:00:00Z"},
        {1709251199123456780, "2024-02-29T23:59:59.12345678Z"},
        {4107542400000000000, "2100-03-01T00:00:00Z"},
        {1735689600100000000, "2025-01-01T00:00:00.1Z"},
    };
    uint8_t out[TIME_LIMIT];
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        const uint8_t *end = format_time(out, cases[index].time);
        expect_text((char *)out, (size_t)(end - out), cases[index].text, "format_time");
    }
}

static void test_escape_against_reference(void)
{
    uint8_t input[96], expected[96 * ESCAPE_LIMIT], actual[96 * ESCAPE_LIMIT + ESCAPE_SLACK];
    srand(1);
    for (int round = 0; round < 20000; round++) {
        const size_t length = (size_t)(rand() % (int)sizeof input);
        reference_noise(input, length);
        const size_t wanted = (size_t)(reference_escape(expected, input, length) - expected);
        const size_t got = (size_t)(json_escape(actual, input, length) - actual);
        expect(wanted == got && memcmp(expected, actual, got) == 0, "json_escape agrees with the plain version");
    }
}

static void test_frames_in_any_chunks(void)
{
    static const uint8_t stream[] = {1, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 3, 7, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 3, 0, 0, 0, 'a', 'b', 'c', 4, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 4, 0, 0, 0, 24, 0, 80, 0};
    for (size_t chunk = 1; chunk <= sizeof stream; chunk++) {
        struct frame_reader reader = {0};
        char story[64] = "";
        for (size_t at = 0; at < sizeof stream;) {
            const size_t length = sizeof stream - at < chunk ? sizeof stream - at : chunk;
            size_t done = 0, used;
            while (done < length) {
                const enum frame_status status = frame_read(&reader, stream + at + done, length - done, &used);
                done += used;
                if (status == FRAME_STDIN) {
                    (void)strncat(story, (const char *)stream + at + done, 1);
                    frame_stdin_taken(&reader, 1);
                    done++;
                } else if (status == FRAME_READY) {
                    const char type[2] = {(char)('0' + reader.header[0]), 0};
                    (void)strcat(story, type);
                } else {
                    expect(status == FRAME_NEED_MORE, "well-formed input is understood");
                }
            }
            at += length;
        }
        expect(strcmp(story, "13abc6") == 0, "the frames are found however the input is cut");
        expect(get_u16(reader.payload) == 24 && get_u16(reader.payload + 2) == 80, "the payload is there");
    }
}

static void test_options(void)
{
    struct options options;
    const char *culprit = NULL;
    char *good[] = {"shim", "--directory", "/d", "--runtime", "r", "--container", "c", "--bundle", "b", "--terminal", "--log-driver", "json-file", "--log-path", "/l", "--log-max-size", "10", NULL};
    char *unknown[] = {"shim", "--nonsense", NULL};
    char *valueless[] = {"shim", "--directory", NULL};
    char *number[] = {"shim", "--log-max-size", "1k", NULL};
    char *relative[] = {"shim", "--directory", "d", "--runtime", "r", "--container", "c", "--bundle", "b", NULL};
    expect(options_parse(&options, good, &culprit) == NULL, "good options are accepted");
    expect(options.terminal && !options.standard_input && options.log.maximum_size == 10, "options have their values");
    expect(options_parse(&options, unknown, &culprit) != NULL && strcmp(culprit, "--nonsense") == 0, "the unknown is named");
    expect(options_parse(&options, valueless, &culprit) != NULL, "a value is missing");
    expect(options_parse(&options, number, &culprit) != NULL, "a number is a number");
    expect(options_parse(&options, relative, &culprit) != NULL, "a relative directory is refused");
    expect(options_parse(&options, good, &culprit) == NULL, "refusals leave nothing behind");
}

static size_t file_size(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 ? (size_t)status.st_size : 0;
}

static void test_lines_and_rotation(const char *folder)
{
    static struct lines lines;
    static uint8_t data[3 * LINE_LIMIT];
    struct log_file log;
    char path[PATH_LIMIT], older[PATH_LIMIT];
    struct text text = text_in(path, sizeof path);
    text_add(&text, folder);
    text_add(&text, "/log");
    text = text_in(older, sizeof older);
    text_add(&text, path);
    text_add(&text, ".1.gz");

    const struct log_settings settings = {path, "{\"a\":\"b\"}", 200 * 1024, 2, true};
    expect(log_open(&log, &settings) == 0, "the log opens");
    lines.stream = "stderr";
    memset(data, '\1', sizeof data);
    data[LINE_LIMIT + 5] = '\n';
    for (int64_t now = 1; now < 30; now++) {
        lines_feed(&lines, &log, data, sizeof data, now);
        log_flush(&log);
        if (log.compressor > 0) expect(log_child_ended(&log, waitpid(log.compressor, NULL, 0)), "the compressor is known");
    }
    lines_end(&lines, &log, 30);
    log_close(&log);
    expect(file_size(path) > 0 && file_size(path) < 700 * 1024, "the log was rotated");
    expect(file_size(older) > 0 && file_size(older) < 10 * 1024, "and compressed");
    (void)unlink(path);
    (void)unlink(older);
}

int main(void)
{
    char folder[] = "/tmp/gantry-shim-unit-XXXXXX";
    if (mkdtemp(folder) == NULL) return 1;
    test_time();
    test_escape_against_reference();
    test_frames_in_any_chunks();
    test_options();
    test_lines_and_rotation(folder);
    (void)rmdir(folder);
    (void)printf(failures == 0 ? "all passed\n" : "%d failed\n", failures);
    return failures != 0;
}
