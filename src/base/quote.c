/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/quote.h"

#include <ctype.h>
#include <string.h>

#include "base/must.h"
#include "base/num.h"

/* Control characters that have a name, and their names. */
static const char controls[] = "\n\r\t\b\a", letters[] = "nrtba";

/* ---- writing ---- */

static bool printable(unsigned char c)
{
    return c >= ' ' && c <= '~';
}

bool quote_plain(struct slice word)
{
    bool plain = word.len > 0;
    for (size_t i = 0; i < word.len && plain; i++) {
        unsigned char c = (unsigned char)word.data[i];
        plain = printable(c) && c != ' ' && c != '"' && c != '\'' && c != '\\';
    }
    return plain;
}

size_t quote_escape(unsigned char c, char out[QUOTE_ESCAPE_MAX])
{
    bool quoted = c == '"' || c == '\\';
    out[0] = quoted || !printable(c) ? '\\' : (char)c;
    if (printable(c)) {
        out[1] = (char)c;
        return 1 + quoted;
    }
    out[1] = 'x';
    num_put_hex(out + 2, 2, c);
    return QUOTE_ESCAPE_MAX;
}

static bool stands_for_itself(unsigned char c)
{
    return printable(c) && c != '"' && c != '\\';
}

void quote_put(struct buf *to, struct slice word, bool named)
{
    size_t run = 0; /* where what stands for itself, and is not there yet, begins */
    buf_byte(to, '"');
    for (size_t i = 0; i < word.len; i++) {
        if (stands_for_itself((unsigned char)word.data[i]))
            continue;
        buf_append(to, word.data + run, i - run);
        run = i + 1;
        char escape[QUOTE_ESCAPE_MAX];
        const char *control = named ? memchr(controls, word.data[i], sizeof controls - 1) : NULL;
        if (control)
            buf_append(to, (char[]){'\\', letters[control - controls]}, 2);
        else
            buf_append(to, escape, quote_escape((unsigned char)word.data[i], escape));
    }
    if (run < word.len)
        buf_append(to, word.data + run, word.len - run);
    buf_byte(to, '"');
}

/* ---- reading ---- */

/* The byte an escape at *at (behind the backslash) stands for; *at moves past it. */
static char unescape(const char **at, const char *end)
{
    const char *p = *at;
    must(p < end);
    if (*p == 'x' && end - p > 2 && num_hex_digit(p[1]) >= 0 && num_hex_digit(p[2]) >= 0) {
        *at = p + 3;
        return (char)(num_hex_digit(p[1]) * 16 + num_hex_digit(p[2]));
    }
    *at = p + 1;
    const char *letter = memchr(letters, *p, sizeof letters - 1);
    return letter ? controls[letter - letters] : *p;
}

bool quote_take(const char **at, const char *end, char **to)
{
    must(*at < end);
    char quote = *(*at)++;
    while (*at < end && **at != quote) {
        if (**at == '\\' && *at + 1 < end && (quote == '"' || (*at)[1] == '\'')) {
            ++*at;
            *(*to)++ = quote == '"' ? unescape(at, end) : *(*at)++;
        } else {
            *(*to)++ = *(*at)++;
        }
    }
    if (*at == end)
        return false;
    ++*at;
    return true;
}

static bool ends_word(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\0';
}

/* One word from *at, written over the same memory: it never grows. */
static bool take_word(const char **at, const char *end, char *to, struct slice *word)
{
    char *start = to;
    while (*at < end && !ends_word(**at)) {
        if (**at == '"' || **at == '\'') {
            if (!quote_take(at, end, &to) || (*at < end && !isspace((unsigned char)**at)))
                return false;
            break;
        }
        *to++ = *(*at)++;
    }
    must(to <= *at);
    *word = slice(start, (size_t)(to - start));
    return true;
}

int quote_split(char *line, size_t len, struct slice *words, int max)
{
    const char *at = line, *end = line + len;
    int count = 0;
    for (;;) {
        while (at < end && (isspace((unsigned char)*at) || *at == '\0'))
            at++;
        if (at == end)
            return count;
        if (count == max)
            return -2;
        if (!take_word(&at, end, line + (at - line), &words[count]))
            return -1;
        count++;
    }
}
