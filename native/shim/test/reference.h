/* A plain, slow statement of moby's escaping rules to compare the fast one with, and input that provokes it. */
#ifndef GANTRY_REFERENCE_H
#define GANTRY_REFERENCE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The code point at `text`, its length in *length; -1 if there is none. Decodes first and judges then. */
static int32_t reference_decode(const uint8_t *text, size_t available, size_t *length)
{
    const uint8_t first = text[0];
    const size_t wanted = first >> 5 == 6 ? 2 : first >> 4 == 14 ? 3 : first >> 3 == 30 ? 4 : 0;
    static const int32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (wanted == 0 || wanted > available) return -1;
    int32_t point = first & (0xff >> (wanted + 1));
    for (size_t index = 1; index < wanted; index++) {
        if (text[index] >> 6 != 2) return -1;
        point = point << 6 | (text[index] & 0x3f);
    }
    *length = wanted;
    if (point < least[wanted] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return -1;
    return point;
}

static uint8_t *reference_escape(uint8_t *out, const uint8_t *text, size_t length)
{
    for (size_t at = 0; at < length;) {
        char escaped[8] = "";
        size_t count = 1;
        const uint8_t byte = text[at];
        const int32_t point = byte < 0x80 ? byte : reference_decode(text + at, length - at, &count);
        if (point < 0) {
            count = 1;
            (void)strcpy(escaped, "\\ufffd");
        } else if (point == '"' || point == '\\') {
            (void)snprintf(escaped, sizeof escaped, "\\%c", (char)point);
        } else if (point == '\n' || point == '\r') {
            (void)strcpy(escaped, point == '\n' ? "\\n" : "\\r");
        } else if (point < 0x20 || point == '<' || point == '>' || point == '&' || point == 0x2028 || point == 0x2029) {
            (void)snprintf(escaped, sizeof escaped, "\\u%04x", (unsigned)point & 0xffff);
        }
        if (escaped[0] != '\0') {
            memcpy(out, escaped, strlen(escaped));
            out += strlen(escaped);
        } else {
            memcpy(out, text + at, count);
            out += count;
        }
        at += count;
    }
    return out;
}

/* Bytes of all kinds, with the rare ones far more often than by chance. */
static void reference_noise(uint8_t *out, size_t length)
{
    static const uint8_t odd[] = {0xe2, 0x80, 0xa8, 0xa9, 0xa7, 0xed, 0xa0, 0x9f, 0xf0, 0x90, 0x8f, 0xf4, 0xc2, 0xc0, 0xff, '<', '>', '&', '"', '\\', '\n', '\r', 0x7f, 0, 0x1f, 0x20};
    for (size_t at = 0; at < length; at++) {
        const int kind = rand() % 4;
        out[at] = kind == 0 ? (uint8_t)rand() : kind == 1 ? odd[(size_t)rand() % sizeof odd] : (uint8_t)('a' + rand() % 26);
    }
}

#endif
