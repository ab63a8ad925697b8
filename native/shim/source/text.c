#include "text.h"

#include <stdbool.h>
#include <string.h>

struct text text_in(char *buffer, size_t capacity)
{
    buffer[0] = '\0';
    return (struct text){buffer, 0, capacity};
}

void text_add(struct text *text, const char *addition)
{
    const size_t room = text->capacity - 1 - text->length, wanted = strlen(addition);
    const size_t length = wanted < room ? wanted : room;
    memcpy(text->start + text->length, addition, length);
    text->length += length;
    text->start[text->length] = '\0';
}

void text_add_number(struct text *text, int64_t number)
{
    char digits[21]; /* sign, nineteen digits, end */
    char *at = digits + sizeof digits - 1;
    const bool negative = number < 0;
    uint64_t rest = negative ? 0 - (uint64_t)number : (uint64_t)number;

    *at = '\0';
    do *--at = (char)('0' + rest % 10);
    while ((rest /= 10) > 0);
    if (negative) *--at = '-';
    text_add(text, at);
}
