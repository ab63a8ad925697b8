/* Short texts in fixed buffers, without stdio (which would cost each shim a few pages). Always terminated. */
#ifndef GANTRY_TEXT_H
#define GANTRY_TEXT_H

#include <stddef.h>
#include <stdint.h>

enum {
    /* limits.h PATH_MAX, with room for a rotation's ".NNN.gz". */
    PATH_LIMIT = 4096 + 32,
};

struct text {
    char *start;
    size_t length, capacity;
};

struct text text_in(char *buffer, size_t capacity);
void text_add(struct text *text, const char *addition); /* cut where the buffer ends */
void text_add_number(struct text *text, int64_t number);

#endif
