/* Cuts a client's byte stream into frames. Pure: no descriptors, no allocation, any chunking of the input. */
#ifndef GANTRY_FRAMES_H
#define GANTRY_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol.h"

enum {
    /* Requests other than STDIN carry at most eight bytes today; room for later fields, which this version ignores. */
    SMALL_PAYLOAD = 64,
};

struct frame_reader {
    uint8_t header[HEADER_SIZE];
    uint8_t payload[SMALL_PAYLOAD];
    uint32_t header_have, payload_have, payload_length;
    uint32_t stdin_left; /* bytes of the present STDIN frame that are still to come */
    bool greeted;
};

enum frame_status {
    FRAME_NEED_MORE, /* all input is used up, no frame is complete */
    FRAME_READY,     /* reader->header and reader->payload hold a whole request */
    FRAME_STDIN,     /* the next stdin_left bytes of input are for the process: take some, then frame_stdin_taken() */
    FRAME_MALFORMED, /* nothing after this can be understood */
};

/* Looks for the next frame in `data`; `*used` says how many bytes were consumed. */
enum frame_status frame_read(struct frame_reader *reader, const uint8_t *data, size_t length, size_t *used);

/* Tells the reader that `count` bytes (at most stdin_left) of the STDIN payload have been consumed. */
void frame_stdin_taken(struct frame_reader *reader, uint32_t count);

/* Writes the header of a frame. */
void frame_header(uint8_t header[HEADER_SIZE], uint8_t type, uint8_t flags, uint32_t length);

uint16_t get_u16(const uint8_t *from);
uint32_t get_u32(const uint8_t *from);
void put_u32(uint8_t *to, uint32_t value);
void put_u64(uint8_t *to, uint64_t value);

#endif
