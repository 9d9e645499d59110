/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/live.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/num.h"
#include "format/resp_write.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/loop.h"
#include "os/socket.h"
#include "tools/live_tls.h"

/* ---- addresses ---- */

struct address {
    struct slice user, password, host; /* host: of a unix socket, its path */
    struct slice tls_words;
    bool unix_socket, tls;
    int port;
};

static bool take_scheme(struct slice *rest, const char *scheme)
{
    size_t n = strlen(scheme);
    if (rest->len < n || memcmp(rest->data, scheme, n) != 0)
        return false;
    *rest = slice_from(*rest, n);
    return true;
}

static const char *last_of(struct slice s, char c)
{
    return s.len ? memrchr(s.data, c, s.len) : NULL;
}

static bool host_and_port(struct slice text, struct address *a)
{
    uint64_t port;
    const char *colon = last_of(text, ':');
    if (!colon || colon == text.data)
        return false;
    a->host = slice(text.data, (size_t)(colon - text.data));
    if (a->host.data[0] == '[' && a->host.data[a->host.len - 1] == ']')
        a->host = slice(a->host.data + 1, a->host.len - 2);
    if (!num_parse_u64(slice_from(text, a->host.len + (size_t)(a->host.data - text.data) +
                                        (a->host.data != text.data) + 1), &port) ||
        port == 0 || port > 65535)
        return false;
    a->port = (int)port;
    return a->host.len > 0 && !memchr(a->host.data, '/', a->host.len);
}

static bool parse(const char *word, struct address *a)
{
    struct slice rest = slice_str(word);
    *a = (struct address){.port = 6379};
    if (take_scheme(&rest, "unix:")) {
        a->unix_socket = true;
        a->host = rest;
        return rest.len > 0;
    }
    a->tls = take_scheme(&rest, "rediss://");
    if (a->tls) {
        const char *sign = memchr(rest.data, '?', rest.len);
        a->tls_words = sign ? slice_from(rest, (size_t)(sign - rest.data) + 1) : (struct slice){0};
        rest.len = sign ? (size_t)(sign - rest.data) : rest.len;
    } else if (!take_scheme(&rest, "redis://")) {
        return host_and_port(rest, a);
    }
    const char *at = last_of(rest, '@');
    if (at) {
        struct slice who = slice(rest.data, (size_t)(at - rest.data));
        const char *colon = memchr(who.data, ':', who.len);
        a->user = slice(who.data, colon ? (size_t)(colon - who.data) : 0);
        a->password = colon ? slice_from(who, a->user.len + 1) : who;
        rest = slice_from(rest, who.len + 1);
    }
    if (rest.len && rest.data[rest.len - 1] == '/')
        rest.len--;
    if (host_and_port(rest, a))
        return true;
    a->host = rest;
    return rest.len > 0 && !memchr(rest.data, '/', rest.len) && !memchr(rest.data, ':', rest.len);
}

bool live_is_address(const char *word)
{
    struct address a;
    struct slice rest = slice_str(word);
    return !file_exists(word) &&
           (parse(word, &a) || take_scheme(&rest, "redis://") || take_scheme(&rest, "rediss://"));
}

/* ---- the connection ---- */

/* what: LOOP_* */
static bool wait_for(const struct live *l, unsigned what, struct fault *f)
{
    struct pollfd p = {.fd = l->fd, .events = (short)((what & LOOP_READ ? POLLIN : 0) |
                                                      (what & LOOP_WRITE ? POLLOUT : 0))};
    int64_t until = clock_mono_us() / 1000 + l->timeout_ms, left = l->timeout_ms;
    int ready;
    do {
        ready = poll(&p, 1, (int)left);
        left = until - clock_mono_us() / 1000;
    } while (ready < 0 && errno == EINTR && left > 0);
    if (ready > 0)
        return true;
    fault_io(f, ready == 0 ? ETIMEDOUT : errno, "read", "%s does not answer", l->address);
    return false;
}

static bool connect_to(struct live *l, const struct address *a, struct fault *f)
{
    struct buf host = {0};
    buf_add(&host, a->host);
    l->fd = a->unix_socket ? socket_connect_unix(buf_cstr(&host), f)
                           : socket_connect_tcp(buf_cstr(&host), a->port, NULL, f);
    int err = l->fd >= 0 && wait_for(l, LOOP_WRITE, f) ? socket_error(l->fd) : 0;
    if (err < 0)
        fault_io(f, -err, "connect", "Can't connect to %s", l->address);
    if (!fault_is(f) && a->tls)
        live_tls(a->tls_words, buf_cstr(&host), &l->wire, f);
    buf_free(&host);
    return !fault_is(f);
}

static bool lost(const struct live *l, int err, const char *doing, struct fault *f)
{
    if (err == -EPROTO)
        fault_set(f, FAULT_IO, "%s: %s", l->address, wire_why(&l->wire, err));
    else
        fault_io(f, -err, doing, "%s ended the connection", l->address);
    return false;
}

/* Waits for nothing: false, again: there is nothing now. */
static bool take_in(struct live *l, bool *again, struct fault *f)
{
    enum { MORE = 64 << 10 };
    char *to = buf_reserve(&l->in, MORE);
    ssize_t got = wire_recv(&l->wire, l->fd, to, l->in.cap - l->in.len);
    *again = got == -EAGAIN;
    if (got <= 0 && !*again)
        return lost(l, got ? (int)got : -ECONNRESET, "read", f);
    l->in.len += got > 0 ? (size_t)got : 0;
    return got > 0;
}

static bool receive(struct live *l, struct fault *f)
{
    bool again, open = wire_look(&l->wire).open;
    if (take_in(l, &again, f))
        return true;
    /* Or it has only become open: nothing need come behind that. */
    return again && (open != wire_look(&l->wire).open ||
                     wait_for(l, wire_watch(&l->wire, LOOP_READ), f));
}

static bool shake_hands(struct live *l, struct fault *f)
{
    while (!wire_look(&l->wire).open)
        if (!receive(l, f))
            return false;
    return true;
}

/* %40 is @, as in any URL; a percent sign that begins none of these is itself. */
static struct slice plain(struct slice text, struct buf *to)
{
    for (size_t i = 0; i < text.len; i++) {
        bool sign = text.data[i] == '%' && i + 2 < text.len;
        int high = sign ? num_hex_digit(text.data[i + 1]) : -1;
        int low = sign ? num_hex_digit(text.data[i + 2]) : -1;
        bool hex = high >= 0 && low >= 0;
        buf_byte(to, (unsigned char)(hex ? high << 4 | low : text.data[i]));
        i += hex ? 2 : 0;
    }
    return buf_slice(to);
}

/* given: the environment's password; NULL. */
static bool authenticate(struct live *l, const struct address *a, const char *given,
                         struct fault *f)
{
    struct buf name = {0}, secret = {0};
    struct slice user = plain(a->user, &name);
    bool told = a->password.len || !given;
    struct slice password = told ? plain(a->password, &secret) : slice_str(given);
    bool ok = !password.len ||
              (user.len ? live_ask(l, 3, WORDS(W("AUTH"), user, password), f)
                        : live_ask(l, 2, WORDS(W("AUTH"), password), f));
    if (!ok && !told && strstr(f->what, "without any password")) {
        *f = (struct fault){0};
        ok = true;
    }
    buf_free(&name);
    buf_free(&secret);
    return ok;
}

/* Without what it may say of a password. */
static void refuse_address(const char *word, struct fault *f)
{
    const char *at = strrchr(word, '@'), *host = at ? at + 1 : word;
    const char *scheme = strstr(host, "://"), *slash = strchr(scheme ? scheme + 3 : host, '/');
    bool db = slash && slash[1] && strspn(slash + 1, "0123456789") == strlen(slash + 1);
    fault_set(f, FAULT_INVALID, db ? "%s names a database, and all are read: --db takes one"
                                   : "%s is no address: host:port, unix:/path, redis://... or "
                                     "rediss://...", host);
}

static struct live *open_with(const char *address, const char *given, struct fault *f)
{
    struct address a;
    if (!parse(address, &a)) {
        refuse_address(address, f);
        return NULL;
    }
    struct live *l = mem_zalloc(sizeof *l);
    struct buf name = {0};
    buf_add(&name, a.host);
    if (!a.unix_socket)
        buf_printf(&name, ":%d", a.port);
    l->address = mem_strdup(buf_cstr(&name));
    buf_free(&name);
    l->fd = -1;
    l->timeout_ms = LIVE_TIMEOUT_MS;
    reply_open(&l->reader, &(struct reply_limits){0});
    if (connect_to(l, &a, f) && shake_hands(l, f) && authenticate(l, &a, given, f))
        return l;
    live_close(l);
    return NULL;
}

struct live *live_open(const char *address, struct fault *f)
{
    return open_with(address, getenv("REDISCLI_AUTH"), f);
}

struct live *live_open_own(const char *address, struct fault *f)
{
    return open_with(address, NULL, f);
}

void live_close(struct live *l)
{
    if (!l)
        return;
    if (l->fd >= 0) {
        wire_close(&l->wire, l->fd);
        socket_close(l->fd);
    }
    reply_close(&l->reader);
    buf_free(&l->in);
    buf_free(&l->out);
    mem_free(l->items);
    mem_free(l->address);
    mem_free(l);
}

/* ---- commands and replies ---- */

void live_put(struct live *l, size_t argc, const struct slice *argv)
{
    resp_put_head(&l->out, '*', argc);
    for (size_t i = 0; i < argc; i++)
        resp_put_bulk(&l->out, argv[i]);
}

/* Reads meanwhile: who answers many commands may not take more before its answers are taken. */
static bool send_all(struct live *l, struct fault *f)
{
    size_t sent = 0;
    must(l->fd >= 0);
    while (sent < l->out.len || wire_owed(&l->wire)) {
        struct iovec part = {l->out.data + sent, l->out.len - sent};
        ssize_t n = part.iov_len ? wire_sendv(&l->wire, l->fd, &part, 1)
                                 : wire_flush(&l->wire, l->fd);
        bool full = n == -EAGAIN || wire_owed(&l->wire);
        if (full && !wait_for(l, wire_watch(&l->wire, LOOP_READ | LOOP_WRITE), f))
            return false;
        bool again;
        if (full && !take_in(l, &again, f) && !again)
            return false;
        if (n < 0 && n != -EAGAIN)
            return lost(l, (int)n, "write", f);
        sent += n > 0 ? (size_t)n : 0;
    }
    buf_clear(&l->out);
    return true;
}

static void keep(struct live *l, const struct reply_item *item)
{
    if (l->count == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 64;
        l->items = mem_realloc(l->items, l->cap * sizeof *l->items);
    }
    l->items[l->count] = *item;
    /* As an offset while the buffer may move. */
    l->items[l->count++].text.data = (const char *)(uintptr_t)(item->text.data - l->in.data);
}

/* What waits is sent, and the reply before is forgotten. */
static bool begin_reply(struct live *l, struct fault *f)
{
    if (!send_all(l, f))
        return false;
    buf_drop_front(&l->in, l->whole);
    l->reader.at -= l->whole;
    l->whole = 0;
    l->count = 0;
    return true;
}

static bool next_item(struct live *l, struct reply_item *item, struct fault *f)
{
    enum reply_got got;
    while ((got = reply_next(&l->reader, l->in.data, l->in.len, item)) == REPLY_MORE)
        if (!receive(l, f))
            return false;
    if (got == REPLY_BAD)
        fault_set(f, FAULT_FORMAT, "%s: %s", l->address, l->reader.error);
    return got == REPLY_ITEM;
}

bool live_reply(struct live *l, struct fault *f)
{
    struct reply_item item = {0};
    if (!begin_reply(l, f))
        return false;
    do {
        if (!next_item(l, &item, f))
            return false;
        keep(l, &item);
    } while (!item.last);
    l->whole = l->reader.at;
    for (size_t i = 0; i < l->count; i++)
        l->items[i].text.data = l->in.data + (uintptr_t)l->items[i].text.data;
    return true;
}

bool live_reply_each(struct live *l, live_take *take, void *arg, struct fault *f)
{
    enum { TAKEN_MAX = 64 << 10 }; /* not for each item: what is behind them moves */
    struct reply_item item = {0};
    if (!begin_reply(l, f))
        return false;
    do {
        if (l->reader.at > TAKEN_MAX) {
            buf_drop_front(&l->in, l->reader.at);
            l->reader.at = 0;
        }
        if (!next_item(l, &item, f))
            return false;
        take(arg, &item);
    } while (!item.last);
    l->whole = l->reader.at;
    return true;
}

bool live_ask(struct live *l, size_t argc, const struct slice *argv, struct fault *f)
{
    live_put(l, argc, argv);
    if (!live_reply(l, f))
        return false;
    must(l->count > 0);
    if (l->items[0].kind == REPLY_ERROR)
        fault_set(f, FAULT_NOT_NOW, "%s answers %.*s to %.*s", l->address,
                  SLICE_ARG(l->items[0].text), SLICE_ARG(argv[0]));
    return !fault_is(f);
}

bool live_is_unknown(const struct reply_item *item)
{
    static const char head[] = "ERR unknown command";
    size_t n = sizeof head - 1;
    return item->kind == REPLY_ERROR && item->text.len >= n &&
           memcmp(item->text.data, head, n) == 0;
}

struct slice live_info(struct slice info, const char *name)
{
    size_t n = strlen(name);
    while (info.len) {
        const char *end = memchr(info.data, '\n', info.len);
        struct slice line = slice(info.data, end ? (size_t)(end - info.data) : info.len);
        info = slice_from(info, line.len + (end != NULL));
        if (line.len && line.data[line.len - 1] == '\r')
            line.len--;
        if (line.len > n && line.data[n] == ':' && memcmp(line.data, name, n) == 0)
            return slice_from(line, n + 1);
    }
    return (struct slice){0};
}
