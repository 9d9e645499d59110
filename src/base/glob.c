/* SPDX-License-Identifier: BSD-3-Clause */
/* A pattern is a row of tokens: a star, or something that takes exactly one byte (a byte, an
 * escaped byte, '?', a class). Only the last star met needs to be remembered: whatever an earlier
 * one could do by taking more, the later one can do too. So the match goes back at most once for
 * each byte of the text, each time over at most the pattern: O(pattern * text), no recursion.
 *
 * Classes: "^" first negates; "\x" is x; "a-z" is a range, in either order; one that is not closed
 * runs to the pattern's end; "[]" matches nothing. A backslash at the very end is itself. */
#include "base/glob.h"

#include <stdint.h>

static unsigned char fold_case(char c, bool nocase)
{
    unsigned char u = (unsigned char)c;
    return nocase && u >= 'A' && u <= 'Z' ? (unsigned char)(u + 32) : u;
}

/* Does the class that starts behind the '[' at p[*at - 1] take c? Moves *at behind it. */
static bool class_takes(struct slice p, size_t *at, unsigned char c, bool nocase)
{
    size_t i = *at;
    bool negated = i < p.len && p.data[i] == '^', found = false;
    i += negated;
    for (;;) {
        if (i >= p.len) /* not closed */
            break;
        if (p.data[i] == '\\' && p.len - i >= 2) {
            found |= fold_case(p.data[i + 1], nocase) == c;
            i += 2;
        } else if (p.data[i] == ']') {
            i++;
            break;
        } else if (p.len - i >= 3 && p.data[i + 1] == '-') {
            unsigned char low = fold_case(p.data[i], nocase);
            unsigned char high = fold_case(p.data[i + 2], nocase);
            if (low > high) {
                unsigned char t = low;
                low = high;
                high = t;
            }
            found |= c >= low && c <= high;
            i += 3;
        } else {
            found |= fold_case(p.data[i], nocase) == c;
            i++;
        }
    }
    *at = i;
    return found != negated;
}

/* Does the token at *at (not a star) take c? Moves *at behind the token. */
static bool token_takes(struct slice p, size_t *at, unsigned char c, bool nocase)
{
    char t = p.data[(*at)++];
    if (t == '?')
        return true;
    if (t == '[')
        return class_takes(p, at, c, nocase);
    if (t == '\\' && *at < p.len)
        t = p.data[(*at)++];
    return fold_case(t, nocase) == c;
}

bool glob_match(struct slice pattern, struct slice text, bool nocase)
{
    size_t p = 0, t = 0;
    size_t star = SIZE_MAX, star_text = 0; /* pattern place behind the last star, text it ends at */
    while (t < text.len) {
        if (p < pattern.len && pattern.data[p] == '*') {
            star = ++p;
            star_text = t;
            if (p == pattern.len)
                return true;
            continue;
        }
        if (p < pattern.len && token_takes(pattern, &p, fold_case(text.data[t], nocase), nocase)) {
            t++;
            continue;
        }
        if (star == SIZE_MAX)
            return false;
        p = star;
        t = ++star_text;
    }
    while (p < pattern.len && pattern.data[p] == '*')
        p++;
    return p == pattern.len;
}

bool glob_is_plain(struct slice pattern)
{
    for (size_t i = 0; i < pattern.len; i++)
        if (pattern.data[i] == '*' || pattern.data[i] == '?' || pattern.data[i] == '[' ||
            pattern.data[i] == '\\')
            return false;
    return true;
}
