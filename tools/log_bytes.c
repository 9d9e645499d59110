/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/log_bytes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/crc64.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/must.h"
#include "os/file.h"

void log_bytes_open(struct log_bytes *b, int fd, uint64_t size)
{
    *b = (struct log_bytes){.fd = fd, .size = size, .window = mem_alloc(LOG_WINDOW)};
}

void log_bytes_memory(struct log_bytes *b, struct slice bytes)
{
    *b = (struct log_bytes){.fd = -1, .memory = bytes.len ? bytes.data : "", .size = bytes.len};
}

void log_bytes_close(struct log_bytes *b)
{
    mem_free(b->window);
    buf_free(&b->patches);
    b->window = NULL;
}

static void apply_patches(struct log_bytes *b)
{
    const struct log_patch *p = (const struct log_patch *)(const void *)b->patches.data;
    for (size_t i = 0; i < b->patches.len / sizeof *p; i++)
        if (p[i].at >= b->window_at && p[i].at < b->window_at + b->window_len)
            b->window[p[i].at - b->window_at] ^= (char)p[i].flip;
}

void log_bytes_patch(struct log_bytes *b, uint64_t at, uint8_t flip)
{
    struct log_patch p = {at, flip};
    buf_append(&b->patches, &p, sizeof p);
    b->window_len = 0; /* is read anew */
}

void log_bytes_unpatch(struct log_bytes *b)
{
    must(b->patches.len >= sizeof(struct log_patch));
    b->patches.len -= sizeof(struct log_patch);
    b->window_len = 0;
}

/* Memory has no window until something of it is patched. */
static void fill_from_memory(struct log_bytes *b, uint64_t at)
{
    uint64_t left = b->size - at;
    if (!b->window)
        b->window = mem_alloc(LOG_WINDOW);
    b->window_at = at;
    b->window_len = left < LOG_WINDOW ? (size_t)left : LOG_WINDOW;
    memcpy(b->window, b->memory + at, b->window_len);
    apply_patches(b);
}

/* The window begins at at. */
static bool fill(struct log_bytes *b, uint64_t at)
{
    uint64_t left = b->size - at, want = left < LOG_WINDOW ? left : LOG_WINDOW;
    b->window_at = at;
    b->window_len = 0;
    while (b->window_len < want) {
        ssize_t n = file_pread(b->fd, b->window + b->window_len, (size_t)want - b->window_len,
                               (off_t)(at + b->window_len));
        if (n <= 0) {
            fault_io(&b->fault, n < 0 ? (int)-n : ENODATA, "read", "Can't read at offset %" PRIu64,
                     at + b->window_len);
            return false;
        }
        b->window_len += (size_t)n;
    }
    apply_patches(b);
    return true;
}

struct slice log_bytes_at(struct log_bytes *b, uint64_t at, size_t n)
{
    must(n <= LOG_LOOK_MAX);
    if (at >= b->size || fault_is(&b->fault))
        return slice("", 0);
    if (n > b->size - at)
        n = (size_t)(b->size - at);
    if (b->fd < 0 && !b->patches.len)
        return slice(b->memory + at, n);
    bool in_window = at >= b->window_at && at + n <= b->window_at + b->window_len;
    if (!in_window && b->fd < 0)
        fill_from_memory(b, at);
    else if (!in_window && !fill(b, at))
        return slice("", 0);
    return slice(b->window + (at - b->window_at), n);
}

/* As much as there is without another read, up to to. */
static struct slice stretch(struct log_bytes *b, uint64_t from, uint64_t to)
{
    uint64_t n = to - from < LOG_LOOK_MAX ? to - from : LOG_LOOK_MAX;
    return log_bytes_at(b, from, (size_t)n);
}

uint64_t log_bytes_crc(struct log_bytes *b, uint64_t from, uint64_t to, uint64_t crc)
{
    while (from < to) {
        struct slice s = stretch(b, from, to);
        if (s.len == 0)
            break;
        crc = crc64(crc, s.data, s.len);
        from += s.len;
    }
    return crc;
}

uint64_t log_bytes_find(struct log_bytes *b, uint64_t from, uint64_t to, char c)
{
    while (from < to) {
        struct slice s = stretch(b, from, to);
        const char *found = s.len ? memchr(s.data, c, s.len) : NULL;
        if (found)
            return from + (uint64_t)(found - s.data);
        if (s.len == 0)
            break;
        from += s.len;
    }
    return to;
}

/* ---- commands ---- */

struct parse {
    struct log_bytes *bytes;
    uint64_t at, end;
    struct fault *fault;
    enum log_parse what;
};

static bool fail(struct parse *p, enum log_parse what, enum fault_code code, uint64_t at,
                 const char *text)
{
    p->what = what;
    p->fault->code = code;
    p->fault->doing = "read-command";
    p->fault->offset = at;
    snprintf(p->fault->what, sizeof p->fault->what, "%s", text);
    return false;
}

static bool cut(struct parse *p)
{
    return fail(p, LOG_CUT, FAULT_EOF, p->at, "The bytes end inside a command");
}

/* A line of prefix and number. */
static bool number(struct parse *p, char prefix, int64_t *n)
{
    enum { LINE_MAX = 22, DIGITS_MAX = 18 };
    struct slice s = log_bytes_at(p->bytes, p->at, LINE_MAX);
    if (s.len > p->end - p->at)
        s.len = (size_t)(p->end - p->at);
    if (s.len == 0)
        return cut(p);
    if (s.data[0] != prefix)
        return fail(p, LOG_BAD, FAULT_FORMAT, p->at,
                    prefix == '*' ? "No command begins here: '*' is missing"
                                  : "No argument begins here: '$' is missing");
    bool minus = s.len > 1 && s.data[1] == '-';
    size_t start = 1 + minus, i = start;
    for (*n = 0; i < s.len && i - start < DIGITS_MAX && s.data[i] >= '0' && s.data[i] <= '9'; i++)
        *n = *n * 10 + (s.data[i] - '0');
    if (i + 2 > s.len && (i == s.len || s.data[i] == '\r'))
        return cut(p);
    if (i == start || s.data[i] != '\r' || s.data[i + 1] != '\n')
        return fail(p, LOG_BAD, FAULT_FORMAT, p->at, "A number or the end of its line is damaged");
    if (minus)
        *n = -*n;
    p->at += i + 2;
    return true;
}

static bool line_end(struct parse *p)
{
    struct slice s = log_bytes_at(p->bytes, p->at, 2);
    if (s.len > p->end - p->at)
        s.len = (size_t)(p->end - p->at);
    if (s.len == 0 || (s.len == 1 && s.data[0] == '\r'))
        return cut(p);
    if (s.len < 2 || s.data[0] != '\r' || s.data[1] != '\n')
        return fail(p, LOG_BAD, FAULT_FORMAT, p->at,
                    "An argument does not end where its length says");
    p->at += 2;
    return true;
}

static bool argument(struct parse *p, struct log_arg *arg)
{
    int64_t len;
    uint64_t at = p->at, usual = (uint64_t)512 << 20;
    if (!number(p, '$', &len))
        return false;
    bool fits = len >= 0 && (uint64_t)len <= p->end - p->at;
    if (len < 0 || (!fits && (uint64_t)len > usual))
        return fail(p, LOG_BAD, FAULT_FORMAT, at, "An argument's length can't be");
    if (!fits)
        return cut(p);
    *arg = (struct log_arg){p->at, (uint64_t)len};
    p->at += (uint64_t)len;
    return line_end(p);
}

static void keep_text(struct parse *p, struct log_command *c, size_t i)
{
    size_t n = c->args[i].len < LOG_ARG_TEXT ? (size_t)c->args[i].len : LOG_ARG_TEXT;
    char *to = c->text + i * LOG_ARG_TEXT;
    struct slice s = log_bytes_at(p->bytes, c->args[i].at, n);
    memcpy(to, s.data, s.len);
    c->argv[i] = slice(to, s.len);
}

enum log_parse log_command_read(struct log_bytes *b, uint64_t at, uint64_t end,
                                struct log_command *c, struct fault *f)
{
    struct parse p = {.bytes = b, .at = at, .end = end, .fault = f, .what = LOG_COMMAND};
    struct log_arg arg;
    int64_t n;
    must(at <= end && end <= b->size);
    c->at = c->header_at = at; /* none yet */
    c->end = 0;
    c->heads = 0;
    if (!number(&p, '*', &n))
        return p.what;
    if (n < 1 || n > INT32_MAX) {
        c->end = p.at;
        fail(&p, LOG_BAD, FAULT_FORMAT, at, "A number of arguments that can't be");
        return p.what;
    }
    c->argc = (uint64_t)n;
    for (int64_t i = 0; i < n; i++) {
        c->header_at = p.at;
        c->header_last = i + 1 == n;
        if (!argument(&p, &arg))
            return p.what;
        if (i >= LOG_HEAD)
            continue;
        c->args[i] = arg;
        c->heads++;
        keep_text(&p, c, (size_t)i);
    }
    c->end = p.at;
    return LOG_COMMAND;
}

bool log_arg_is(struct log_bytes *b, const struct log_arg *arg, struct slice text)
{
    if (arg->len != text.len)
        return false;
    for (size_t done = 0; done < text.len;) {
        size_t n = text.len - done < LOG_LOOK_MAX ? text.len - done : LOG_LOOK_MAX;
        if (!slice_eq(log_bytes_at(b, arg->at + done, n), slice(text.data + done, n)))
            return false;
        done += n;
    }
    return true;
}

void log_arg_text(struct log_bytes *b, const struct log_arg *arg, size_t max, struct buf *to)
{
    size_t n = arg->len < max ? (size_t)arg->len : max;
    buf_add(to, log_bytes_at(b, arg->at, n < LOG_LOOK_MAX ? n : LOG_LOOK_MAX));
}

uint64_t log_arg_hash(struct log_bytes *b, const struct log_arg *arg)
{
    if (arg->len <= LOG_LOOK_MAX)
        return hash_slice(log_bytes_at(b, arg->at, (size_t)arg->len));
    uint64_t sum[2] = {log_bytes_crc(b, arg->at, arg->at + arg->len, 0), arg->len};
    return hash_bytes(sum, sizeof sum);
}

void log_args_begin(struct log_args *a, struct log_bytes *b, const struct log_command *c)
{
    *a = (struct log_args){.bytes = b, .of = c};
}

bool log_args_next(struct log_args *a, struct log_arg *arg)
{
    struct fault f;
    const struct log_command *c = a->of;
    if (a->i >= c->argc)
        return false;
    if (a->i < c->heads) {
        *arg = c->args[a->i++];
        a->next = arg->at + arg->len + 2;
        return true;
    }
    struct parse p = {.bytes = a->bytes, .at = a->next, .end = c->end, .fault = &f};
    if (!argument(&p, arg))
        return false;
    a->next = p.at;
    a->i++;
    return true;
}
