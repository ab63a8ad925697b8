/*
 * Random input for what strangers' bytes reach: the socket protocol's reader and the log's encoder. Built with the
 * sanitizers; LLVMFuzzerTestOneInput is what libFuzzer calls (clang -fsanitize=fuzzer -DLIBFUZZER), main() is a
 * generator for machines without it. Arguments: rounds, seed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frames.h"
#include "json_entry.h"
#include "reference.h"

enum { INPUT_LIMIT = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

static void check(bool condition)
{
    if (!condition) abort();
}

/* What a reading of the stream found; the same for every way of cutting the stream into pieces. */
struct findings {
    uint32_t frames, input_bytes, digest;
    bool malformed;
};

static struct findings read_stream(const uint8_t *data, size_t length, size_t chunk)
{
    struct frame_reader reader = {0};
    struct findings found = {0};
    for (size_t at = 0; at < length && !found.malformed; at += chunk) {
        const size_t piece = length - at < chunk ? length - at : chunk;
        /* A copy of exactly this size, so that reading past it is noticed. */
        uint8_t *copy = malloc(piece);
        check(copy != NULL);
        memcpy(copy, data + at, piece);
        for (size_t done = 0, used = 0; done < piece && !found.malformed;) {
            const enum frame_status status = frame_read(&reader, copy + done, piece - done, &used);
            done += used;
            check(done <= piece);
            if (status == FRAME_STDIN) {
                const size_t take = reader.stdin_left < piece - done ? reader.stdin_left : piece - done;
                check(take > 0 && reader.stdin_left <= MAXIMUM_PAYLOAD);
                frame_stdin_taken(&reader, (uint32_t)take);
                found.input_bytes += (uint32_t)take;
                done += take;
            } else if (status == FRAME_READY) {
                found.frames++;
                found.digest = found.digest * 31 + reader.header[0] + reader.payload[0];
            } else {
                check(status == FRAME_MALFORMED || done == piece);
                found.malformed = status == FRAME_MALFORMED;
            }
        }
        free(copy);
    }
    return found;
}

static void check_escape(const uint8_t *data, size_t length)
{
    uint8_t *expected = malloc(length * ESCAPE_LIMIT + 1), *actual = malloc(length * ESCAPE_LIMIT + ESCAPE_SLACK);
    check(expected != NULL && actual != NULL);
    const size_t wanted = (size_t)(reference_escape(expected, data, length) - expected);
    const size_t got = (size_t)(json_escape(actual, data, length) - actual);
    check(wanted == got && memcmp(expected, actual, got) == 0);
    free(expected);
    free(actual);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
    const struct findings whole = read_stream(data, length, length + 1);
    static const size_t chunks[] = {1, 2, 7, 8, 9, 64, 1000};
    for (size_t index = 0; index < sizeof chunks / sizeof *chunks; index++) {
        const struct findings found = read_stream(data, length, chunks[index]);
        check(found.frames == whole.frames && found.input_bytes == whole.input_bytes);
        check(found.digest == whole.digest && found.malformed == whole.malformed);
    }
    check_escape(data, length);
    return 0;
}

#ifndef LIBFUZZER
static size_t append_frame(uint8_t *out)
{
    static const uint8_t lengths[] = {0, 0, 0, 4, 4, 5, 8, 64, 65};
    const uint32_t length = lengths[(size_t)rand() % sizeof lengths];
    frame_header(out, (uint8_t)(rand() % 10), rand() % 4 == 0 ? (uint8_t)(rand() % 16) : 0, length);
    reference_noise(out + HEADER_SIZE, length);
    if (rand() % 50 == 0) out[rand() % HEADER_SIZE] = (uint8_t)rand();
    return HEADER_SIZE + length;
}

/* Mostly well-formed streams, spoilt here and there: pure noise would never get past the first header. */
static size_t make_input(uint8_t *out)
{
    size_t length = 0;
    if (rand() % 8 != 0) {
        frame_header(out, REQUEST_HELLO, 0, 4);
        memset(out + HEADER_SIZE, 1, 4);
        length = HEADER_SIZE + 4;
    }
    const size_t frames = (size_t)(rand() % 20);
    for (size_t count = 0; count < frames; count++) length += append_frame(out + length);
    for (int spoilt = rand() % 3; spoilt > 0 && length > 0; spoilt--) out[(size_t)rand() % length] ^= (uint8_t)(1 << rand() % 8);
    return length;
}

int main(int argc, char **argv)
{
    static uint8_t input[INPUT_LIMIT];
    const long rounds = argc > 1 ? atol(argv[1]) : 20000;
    const unsigned seed = argc > 2 ? (unsigned)atol(argv[2]) : (unsigned)getpid();
    (void)printf("%ld rounds, seed %u\n", rounds, seed);
    (void)fflush(stdout);
    srand(seed);
    for (long round = 0; round < rounds; round++) (void)LLVMFuzzerTestOneInput(input, make_input(input));
    return 0;
}
#endif
