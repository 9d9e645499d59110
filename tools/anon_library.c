/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/anon_library.h"

#include <stdio.h>
#include <string.h>

#include "base/lzf.h"
#include "base/mem.h"
#include "base/must.h"

enum { LITERAL_MAX = 32, LONG_MIN = 9, LONG_MAX_ = 264, SHORT_MAX = 8 };

/* A comment that any engine of Lua passes over: "--xxx", whatever stands around it. */
void anon_script(char *text, size_t n)
{
    memset(text, n < 2 ? ' ' : 'x', n);
    if (n >= 2)
        memcpy(text, "--", 2);
}

/* The part of the code that must be there; what follows it is filler. Its length. */
static size_t make_head(struct anon *a, char *text, size_t n, size_t *first_line)
{
    static const char word[] = " name=";
    const char *line_end = n ? memchr(text, '\n', n) : NULL;
    size_t line = line_end ? (size_t)(line_end - text) + 1 : 0;
    char *name = line && memcmp(text, "#!", 2) == 0 ? memmem(text, line, word, 6) : NULL;
    *first_line = name ? line : 0;
    if (!name)
        return 0;
    name += sizeof word - 1;
    size_t len = 0;
    while (name + len < text + line - 1 && name[len] != ' ')
        len++;
    anon_word(a, name, len);
    char code[256];
    int need = snprintf(code, sizeof code, "redis.register_function('%.*s',function()end)--x",
                        (int)(len < 128 ? len : 128), name);
    if (len >= 128 || (size_t)need > n - line)
        need = snprintf(code, sizeof code, "redis.register_function('%.*s',print)--x",
                        (int)(len < 128 ? len : 128), name);
    if (len >= 128 || (size_t)need > n - line)
        return line;
    memcpy(text + line, code, (size_t)need);
    return line + (size_t)need;
}

void anon_library(struct anon *a, char *text, size_t n)
{
    size_t line, head = make_head(a, text, n, &line);
    if (head > line)
        memset(text + head, 'x', n - head);
    else
        anon_script(text + line, n - line);
}

/* ---- compressed to a given size ---- */

static char *put_literals(char *to, const char *from, size_t n)
{
    while (n) {
        size_t run = n < LITERAL_MAX ? n : LITERAL_MAX;
        *to++ = (char)(run - 1);
        memcpy(to, from, run);
        to += run;
        from += run;
        n -= run;
    }
    return to;
}

/* n times the byte before, n >= 3. */
static char *put_copy(char *to, size_t n)
{
    if (n <= SHORT_MAX) {
        *to++ = (char)((n - 2) << 5);
    } else {
        *to++ = (char)0xe0;
        *to++ = (char)(n - 9);
    }
    *to++ = 0;
    return to;
}

/* fill bytes in exactly room: of two bytes each for 1 or 3 to 8 of them, of three for 9 to 264. */
static bool put_filler(char *to, size_t room, size_t fill)
{
    for (size_t longs = room & 1; 3 * longs <= room; longs += 2) {
        size_t twos = (room - 3 * longs) / 2, least = twos + LONG_MIN * longs;
        if (least > fill || fill > SHORT_MAX * twos + LONG_MAX_ * longs)
            continue;
        size_t more = fill - least;
        if (more == 1 && !longs)
            continue;
        for (size_t i = 0; i < longs; i++) {
            size_t most = LONG_MAX_ - LONG_MIN, take = more < most ? more : most;
            take -= take && more - take == 1; /* no two bytes' worth of one more */
            to = put_copy(to, LONG_MIN + take);
            more -= take;
        }
        for (size_t i = 0; i < twos; i++) {
            size_t most = SHORT_MAX - 1, take = more < most ? more : most;
            take -= take > 2 && more - take == 1;
            take = take < 2 ? 0 : take;
            more -= take;
            to = take ? put_copy(to, 1 + take) : put_literals(to, "x", 1);
        }
        return more == 0;
    }
    return room == 0 && fill == 0;
}

static bool repack(char *packed, size_t n, const char *text, size_t head, size_t len)
{
    size_t cost = head + (head + LITERAL_MAX - 1) / LITERAL_MAX;
    return head && cost <= n && put_filler(put_literals(packed, text, head), n - cost, len - head);
}

bool anon_library_lzf(struct anon *a, char *packed, size_t n, size_t len)
{
    char *text = mem_alloc(len + 1), *was = mem_dup(packed, n), *made = mem_alloc(len + 1);
    size_t line, head;
    bool ok = lzf_unpack(packed, n, text, len);
    if (ok) {
        head = make_head(a, text, len, &line);
        ok = head > line && repack(packed, n, text, head, len);
        if (!ok && line + 3 <= len) {
            memcpy(text + line, "--x", 3);
            ok = repack(packed, n, text, line + 3, len);
        }
    }
    ok = ok && lzf_unpack(packed, n, made, len);
    if (!ok)
        memcpy(packed, was, n);
    mem_free(text);
    mem_free(was);
    mem_free(made);
    return ok;
}
