#include "json_entry.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { NANOSECONDS = 1000000000, SECONDS_OF_DAY = 86400, SECOND_LENGTH = sizeof "2006-01-02T15:04:05" - 1 };

static const char HEX[] = "0123456789abcdef";

static inline __attribute__((always_inline)) uint8_t *append(uint8_t *out, const char *text)
{
    const size_t length = strlen(text);
    memcpy(out, text, length);
    return out + length;
}

/* Bytes that stand for themselves. moby escapes < > & for embedding in HTML, and leaves DEL alone. */
static bool is_plain(uint8_t byte)
{
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\' && byte != '<' && byte != '>' && byte != '&';
}

/* Copies up to the first byte that is not plain; advances both ends. Looks at sixteen bytes at a time where it can. */
static uint8_t *copy_plain(uint8_t *out, const uint8_t **text, const uint8_t *end)
{
    const uint8_t *from = *text;
#ifdef __SSE2__
    const __m128i space = _mm_set1_epi8(0x20), backslash = _mm_set1_epi8('\\');
    const __m128i angle = _mm_set1_epi8('<'), quote = _mm_set1_epi8('"');
    const __m128i without_2 = _mm_set1_epi8(~2), without_4 = _mm_set1_epi8(~4);
    while (end - from >= 16) {
        const __m128i bytes = _mm_loadu_si128((const __m128i *)from);
        /* Signed comparison: bytes from 0x80 on are negative, so less than a space as well. */
        __m128i special = _mm_or_si128(_mm_cmplt_epi8(bytes, space), _mm_cmpeq_epi8(bytes, backslash));
        /* '<' is '>' without bit 2, and '"' is '&' without bit 4. */
        special = _mm_or_si128(special, _mm_cmpeq_epi8(_mm_and_si128(bytes, without_2), angle));
        special = _mm_or_si128(special, _mm_cmpeq_epi8(_mm_and_si128(bytes, without_4), quote));
        _mm_storeu_si128((__m128i *)out, bytes);
        const int mask = _mm_movemask_epi8(special);
        const int count = mask == 0 ? 16 : __builtin_ctz(mask);
        from += count;
        out += count;
        if (mask != 0) break;
    }
#endif
    while (from < end && is_plain(*from)) *out++ = *from++;
    *text = from;
    return out;
}

/* The length of the UTF-8 sequence at `text`, or 0 if it is not one (Unicode 15, table 3-7; Go's utf8.DecodeRune). */
static int sequence_length(const uint8_t *text, size_t available)
{
    const uint8_t first = text[0];
    const int length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
    if (length == 0 || available < (size_t)length) return 0;

    const uint8_t lowest = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    const uint8_t highest = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (text[1] < lowest || text[1] > highest) return 0;
    for (int index = 2; index < length; index++)
        if ((text[index] & 0xc0) != 0x80) return 0;
    return length;
}

static uint8_t *escape_ascii(uint8_t *out, uint8_t byte)
{
    if (byte == '"' || byte == '\\') {
        *out++ = '\\';
        *out++ = byte;
        return out;
    }
    if (byte == '\n') return append(out, "\\n");
    if (byte == '\r') return append(out, "\\r");
    out = append(out, "\\u00");
    *out++ = (uint8_t)HEX[byte >> 4];
    *out++ = (uint8_t)HEX[byte & 15];
    return out;
}

/* Writes the one character at `text`, which is not plain. */
static uint8_t *escape_character(uint8_t *out, const uint8_t **text, const uint8_t *end)
{
    const uint8_t *from = *text;
    if (*from < 0x80) {
        *text = from + 1;
        return escape_ascii(out, *from);
    }
    const int length = sequence_length(from, (size_t)(end - from));
    if (length == 0) {
        *text = from + 1;
        return append(out, "\\ufffd");
    }
    *text = from + length;
    /* U+2028 and U+2029 end a line in JavaScript. */
    if (length == 3 && from[0] == 0xe2 && from[1] == 0x80 && (from[2] | 1) == 0xa9)
        return append(out, from[2] == 0xa8 ? "\\u2028" : "\\u2029");
    memcpy(out, from, (size_t)length);
    return out + length;
}

uint8_t *json_escape(uint8_t *out, const uint8_t *text, size_t length)
{
    const uint8_t *end = text + length;
    for (;;) {
        out = copy_plain(out, &text, end);
        if (text == end) return out;
        do out = escape_character(out, &text, end);
        while (text < end && !is_plain(*text));
    }
}

static uint8_t *append_digits(uint8_t *out, int64_t value, int digits)
{
    for (int index = digits - 1; index >= 0; index--, value /= 10) out[index] = (uint8_t)('0' + value % 10);
    return out + digits;
}

/* Gregorian date of a day counted from 1970, by eras of 400 years that begin on 1 March of year 0. */
static uint8_t *append_date(uint8_t *out, int64_t day)
{
    enum { DAYS_OF_ERA = 146097, DAYS_BEFORE_1970 = 719468 };
    const int64_t shifted = day + DAYS_BEFORE_1970, era = shifted / DAYS_OF_ERA, rest = shifted % DAYS_OF_ERA;
    const int64_t year_of_era = (rest - rest / 1460 + rest / 36524 - rest / 146096) / 365;
    const int64_t day_of_year = rest - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const int64_t march_month = (5 * day_of_year + 2) / 153;
    const int64_t month = march_month < 10 ? march_month + 3 : march_month - 9;

    out = append_digits(out, era * 400 + year_of_era + (month <= 2), 4);
    *out++ = '-';
    out = append_digits(out, month, 2);
    *out++ = '-';
    return append_digits(out, day_of_year - (153 * march_month + 2) / 5 + 1, 2);
}

/* "2006-01-02T15:04:05" */
static uint8_t *append_second(uint8_t *out, int64_t seconds)
{
    const int64_t second = seconds % SECONDS_OF_DAY;
    out = append_date(out, seconds / SECONDS_OF_DAY);
    *out++ = 'T';
    out = append_digits(out, second / 3600, 2);
    *out++ = ':';
    out = append_digits(out, second / 60 % 60, 2);
    *out++ = ':';
    return append_digits(out, second % 60, 2);
}

/* A fraction of nine digits without its trailing zeros. 32 bits: the divisions are most of an entry's cost. */
static uint8_t *append_fraction(uint8_t *out, uint32_t fraction)
{
    int digits = 9;
    for (; fraction % 10 == 0; fraction /= 10) digits--;
    *out++ = '.';
    for (int index = digits - 1; index >= 0; index--, fraction /= 10) out[index] = (uint8_t)('0' + fraction % 10);
    return out + digits;
}

uint8_t *format_time(uint8_t *out, int64_t nanoseconds)
{
    /* Thousands of entries share a second: its text is kept. */
    static int64_t kept_second = -1;
    static uint8_t kept[SECOND_LENGTH];
    const int64_t seconds = nanoseconds / NANOSECONDS;
    const uint32_t fraction = (uint32_t)(nanoseconds % NANOSECONDS);

    if (seconds != kept_second) (void)append_second(kept, kept_second = seconds);
    memcpy(out, kept, SECOND_LENGTH);
    out += SECOND_LENGTH;
    if (fraction != 0) out = append_fraction(out, fraction);
    *out++ = 'Z';
    return out;
}

uint8_t *json_entry(uint8_t *out, const struct entry *entry)
{
    out = append(out, "{\"log\":\"");
    out = json_escape(out, entry->text, entry->length);
    if (entry->newline) out = append(out, "\\n");
    out = append(out, "\",\"stream\":\"");
    out = append(out, entry->stream);
    if (entry->attributes != NULL) {
        out = append(out, "\",\"attrs\":");
        out = append(out, entry->attributes);
        out = append(out, ",\"time\":\"");
    } else {
        out = append(out, "\",\"time\":\"");
    }
    out = format_time(out, entry->time);
    return append(out, "\"}\n");
}
