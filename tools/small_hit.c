/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/small_hit.h"

#include <string.h>

#include "base/must.h"
#include "base/num.h"

/* Behind "*2\r\n" or "$2\r\n" at at, and its number; 0: no such line ends in front of limit. */
static size_t pass_number(struct slice text, size_t at, size_t limit, uint64_t *n)
{
    const char *from = text.data + at + 1, *end = memchr(from, '\r', limit - at - 1);
    if (!end || end + 1 >= text.data + limit || end[1] != '\n' ||
        !num_parse_u64(slice(from, (size_t)(end - from)), n))
        return 0;
    return (size_t)(end + 2 - text.data);
}

/* Behind the head, argument or line at at; 0: none of them ends in front of limit. */
static size_t pass_piece(struct slice text, size_t at, size_t limit)
{
    uint64_t n;
    struct aof_batch b;
    must(at < limit && limit <= text.len);
    if (text.data[at] == '#') /* with the line feed in front of it, it is a batch of one byte */
        return at > 0 && limit - at >= AOF_SMALL_LINE &&
               aof_small_find(slice(text.data + at - 1, AOF_SMALL_LINE + 1), &b)
               ? at + AOF_SMALL_LINE : 0;
    if (text.data[at] != '*' && text.data[at] != '$')
        return 0;
    size_t body = pass_number(text, at, limit, &n);
    if (body == 0 || text.data[at] == '*')
        return body;
    if (limit - body < 2 || n > limit - body - 2)
        return 0;
    size_t end = body + (size_t)n;
    bool whole = memcmp(text.data + end, "\r\n", 2) == 0 &&
                 aof_hash_line(slice(text.data + body, (size_t)n)) == n;
    return whole ? end + 2 : 0;
}

static size_t pass_pieces(struct slice text, size_t at, size_t limit)
{
    size_t behind;
    while (at < limit && (behind = pass_piece(text, at, limit)) != 0)
        at = behind;
    return at;
}

/* Damage begins at at, or in the argument of which the head is whole there: then behind what that
 * tells the length of. SIZE_MAX: it leads past limit. */
static size_t pass_hit(struct slice text, size_t at, size_t limit)
{
    uint64_t n;
    size_t body = at < limit && text.data[at] == '$' ? pass_number(text, at, limit, &n) : 0;
    if (body == 0)
        return at;
    bool past = n > limit - body || aof_hash_line(slice(text.data + body, (size_t)n)) < n;
    return past ? SIZE_MAX : body + (size_t)n;
}

bool small_hit(struct slice text, size_t line, uint64_t at)
{
    must(line > 0 && line < text.len && at >= AOF_SMALL_LINE);
    if ((at - AOF_SMALL_LINE) / SMALL_HIT_BLOCK !=
        (at + line + AOF_SMALL_LINE) / SMALL_HIT_BLOCK)
        return false;
    size_t from = pass_hit(text, pass_pieces(text, 0, line), line), to = from;
    if (from == SIZE_MAX)
        return false;
    while (to < line && to - from < SMALL_HIT_GAP && pass_pieces(text, to, line) != line)
        to++;
    return pass_pieces(text, to, line) == line;
}
