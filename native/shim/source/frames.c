#include "frames.h"

#include <string.h>

/* What each request may carry: the least its payload must hold, and the flags it may set. */
static const struct rule {
    bool known;
    uint8_t minimum, maximum, flags;
} rules[] = {
    [REQUEST_HELLO] = {true, 4, SMALL_PAYLOAD, 0},
    [REQUEST_START] = {true, 0, 0, 0},
    [REQUEST_ATTACH] = {true, 0, 0, STREAM_ALL},
    [REQUEST_CLOSE_STDIN] = {true, 0, 0, 0},
    [REQUEST_RESIZE] = {true, 4, 4, 0},
    [REQUEST_SIGNAL] = {true, 4, 4, 0},
    [REQUEST_STATE] = {true, 0, 0, 0},
};

static size_t smaller(size_t one, size_t other) { return one < other ? one : other; }

/* Judges a complete header: the stream ends here if it is not one this version knows. */
static bool accept_header(struct frame_reader *reader)
{
    const uint8_t type = reader->header[0], flags = reader->header[1];
    const uint32_t length = get_u32(reader->header + 4);

    if (get_u16(reader->header + 2) != 0) return false;
    if (!reader->greeted && type != REQUEST_HELLO) return false;
    if (type == REQUEST_STDIN) {
        reader->stdin_left = length;
        return flags == 0 && length <= MAXIMUM_PAYLOAD;
    }
    if (type >= sizeof rules / sizeof *rules || !rules[type].known) return false;
    reader->payload_length = length;
    return length >= rules[type].minimum && length <= rules[type].maximum && (flags & ~rules[type].flags) == 0;
}

static void next_frame(struct frame_reader *reader)
{
    reader->header_have = reader->payload_have = reader->payload_length = 0;
}

/* Fills `target` from `*have` up to `wanted` bytes with what is left of `data`; true once it is full. */
static bool fill(uint8_t *target, uint32_t *have, uint32_t wanted, const uint8_t *data, size_t length, size_t *used)
{
    const size_t take = smaller(wanted - *have, length - *used);
    memcpy(target + *have, data + *used, take);
    *have += (uint32_t)take;
    *used += take;
    return *have == wanted;
}

enum frame_status frame_read(struct frame_reader *reader, const uint8_t *data, size_t length, size_t *used)
{
    *used = 0;
    for (;;) {
        if (reader->stdin_left > 0) return *used < length ? FRAME_STDIN : FRAME_NEED_MORE;
        if (reader->header_have < HEADER_SIZE) {
            if (!fill(reader->header, &reader->header_have, HEADER_SIZE, data, length, used)) return FRAME_NEED_MORE;
            if (!accept_header(reader)) return FRAME_MALFORMED;
        }
        if (reader->header[0] == REQUEST_STDIN) {
            next_frame(reader);
            continue;
        }
        if (!fill(reader->payload, &reader->payload_have, reader->payload_length, data, length, used)) return FRAME_NEED_MORE;
        if (reader->header[0] == REQUEST_HELLO) reader->greeted = true;
        next_frame(reader);
        return FRAME_READY;
    }
}

void frame_stdin_taken(struct frame_reader *reader, uint32_t count) { reader->stdin_left -= count; }

void frame_header(uint8_t header[HEADER_SIZE], uint8_t type, uint8_t flags, uint32_t length)
{
    header[0] = type;
    header[1] = flags;
    header[2] = header[3] = 0;
    put_u32(header + 4, length);
}

uint16_t get_u16(const uint8_t *from) { return (uint16_t)(from[0] | from[1] << 8); }

uint32_t get_u32(const uint8_t *from) { return (uint32_t)get_u16(from) | (uint32_t)get_u16(from + 2) << 16; }

void put_u32(uint8_t *to, uint32_t value)
{
    for (int byte = 0; byte < 4; byte++) to[byte] = (uint8_t)(value >> 8 * byte);
}

void put_u64(uint8_t *to, uint64_t value)
{
    put_u32(to, (uint32_t)value);
    put_u32(to + 4, (uint32_t)(value >> 32));
}
