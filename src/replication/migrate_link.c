/* SPDX-License-Identifier: BSD-3-Clause */
#include "replication/migrate_link.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "base/num.h"
#include "os/clock.h"
#include "os/loop.h"
#include "os/socket.h"
#include "server/server.h"
#include "server/tls_config.h"

enum { SECOND_US = 1000000, READ_SIZE = 16 * 1024, CONSUMED_MAX = 64 * 1024, SEND_MAX = 1 << 20 };

struct migrate_links {
    struct server *server;
    struct link kept; /* who was used last comes last */
    unsigned count;
    struct loop_timer tidy;
};

/* ---- those that are kept ---- */
static void forget(struct migrate_link *l)
{
    if (!link_linked(&l->link))
        return;
    must(l->links->count > 0);
    link_remove(&l->link);
    l->links->count--;
}

void migrate_link_drop(struct migrate_link *l)
{
    forget(l);
    if (l->fd >= 0) {
        wire_close(&l->wire, l->fd);
        socket_close(l->fd);
    }
    reply_close(&l->reader);
    buf_free(&l->in), buf_free(&l->out);
    mem_free(l->host), mem_free(l->port);
    mem_free(l);
}

static struct migrate_link *oldest(const struct migrate_links *links)
{
    return link_empty(&links->kept) ? NULL : LINK_OF(links->kept.next, struct migrate_link, link);
}

static void tidy(void *arg)
{
    struct migrate_links *links = arg;
    must(links->count <= MIGRATE_KEPT_MAX);
    int64_t now_us = clock_mono_us(), keep_us = (int64_t)MIGRATE_KEEP_S * SECOND_US;
    struct migrate_link *l;
    while ((l = oldest(links)) && now_us - l->used_us >= keep_us)
        migrate_link_drop(l);
    if (l)
        loop_timer_start(server_loop(links->server), &links->tidy,
                         l->used_us + keep_us - now_us);
}

void migrate_link_keep(struct migrate_link *l)
{
    struct migrate_links *links = l->links;
    must(!link_linked(&l->link) && !l->out.len && !l->error && !reply_partial(&l->reader));
    buf_free(&l->out);
    buf_free(&l->in);
    l->reader.at = l->reader.seen = 0;
    l->kept = true;
    l->used_us = clock_mono_us();
    if (links->count == MIGRATE_KEPT_MAX)
        migrate_link_drop(oldest(links));
    link_push_back(&links->kept, &l->link);
    links->count++;
    if (!links->tidy.place)
        tidy(links);
}

static struct migrate_link *find_kept(struct migrate_links *links, const struct migrate_to *to)
{
    LINK_FOR(pos, &links->kept) {
        struct migrate_link *l = LINK_OF(pos, struct migrate_link, link);
        if (slice_eq_str(to->host, l->host) && slice_eq_str(to->port, l->port) &&
            !(to->unknown && l->told_password))
            return l;
    }
    return NULL;
}

struct migrate_links *migrate_links_new(struct server *s)
{
    struct migrate_links *links = mem_zalloc(sizeof *links);
    links->server = s;
    link_init(&links->kept);
    links->tidy = (struct loop_timer){.due = tidy, .arg = links};
    return links;
}

void migrate_links_free(struct migrate_links *links)
{
    struct migrate_link *l;
    while ((l = oldest(links)))
        migrate_link_drop(l);
    must(!links->count);
    loop_timer_stop(server_loop(links->server), &links->tidy);
    mem_free(links);
}

/* ---- waiting ---- */
static int wait_for(struct migrate_link *l, short what)
{
    struct pollfd p = {.fd = l->fd, .events = what};
    must(l->fd >= 0 && what && l->timeout_ms > 0);
    int64_t due_us = clock_mono_us() + l->timeout_ms * 1000;
    for (;;) {
        int64_t left_ms = (due_us - clock_mono_us() + 999) / 1000;
        left_ms = left_ms < 0 ? 0 : left_ms > INT32_MAX ? INT32_MAX : left_ms;
        int n = poll(&p, 1, (int)left_ms);
        if (n > 0)
            return 0;
        if (n == 0)
            return -ETIMEDOUT;
        if (errno != EINTR)
            return -errno;
    }
}

bool migrate_link_unsent(const struct migrate_link *l)
{
    return l->out.len || wire_owed(&l->wire);
}

/* What moved, or -errno. */
static ssize_t send_some(struct migrate_link *l)
{
    int rc = wire_flush(&l->wire, l->fd);
    if (rc < 0 || !l->out.len)
        return rc;
    struct iovec part = {l->out.data, l->out.len < SEND_MAX ? l->out.len : SEND_MAX};
    ssize_t put = wire_sendv(&l->wire, l->fd, &part, 1);
    if (put > 0)
        buf_drop_front(&l->out, (size_t)put);
    return put == -EAGAIN ? 0 : put;
}

static ssize_t receive_some(struct migrate_link *l)
{
    ssize_t got = wire_recv(&l->wire, l->fd, buf_reserve(&l->in, READ_SIZE), READ_SIZE);
    l->in.len += got > 0 ? (size_t)got : 0;
    return got == -EAGAIN ? 0 : got == 0 ? -ECONNRESET : got;
}

/* The other side may have answered before it hung up. */
static int fail(struct migrate_link *l, int err)
{
    must(err < 0);
    while (receive_some(l) > 0) {}
    return l->error = err;
}

int migrate_link_step(struct migrate_link *l)
{
    must(!link_linked(&l->link)); /* it is somebody's */
    for (;;) {
        if (l->error)
            return l->error;
        size_t owed = wire_owed(&l->wire);
        ssize_t put = send_some(l), got = put < 0 ? put : receive_some(l);
        if (got < 0)
            return fail(l, (int)got);
        if (put || got || wire_owed(&l->wire) < owed)
            return 0;
        unsigned out = migrate_link_unsent(l) ? LOOP_WRITE : 0;
        unsigned what = wire_watch(&l->wire, LOOP_READ | out);
        int rc = wait_for(l, (short)((what & LOOP_READ ? POLLIN : 0) |
                                     (what & LOOP_WRITE ? POLLOUT : 0)));
        if (rc < 0)
            return fail(l, rc);
    }
}

int migrate_link_reply(struct migrate_link *l, struct reply_item *item)
{
    if (l->reader.at == l->in.len || l->reader.at >= CONSUMED_MAX) {
        buf_drop_front(&l->in, l->reader.at);
        l->reader.at = 0;
    }
    must(l->reader.at <= l->in.len);
    for (;;) {
        enum reply_got got = reply_next(&l->reader, l->in.data, l->in.len, item);
        if (got == REPLY_BAD || (got == REPLY_ITEM && (item->depth || !item->last)))
            return -EPROTO;
        if (got == REPLY_ITEM)
            return 0;
        int rc = migrate_link_step(l);
        if (rc < 0)
            return rc;
    }
}

/* ---- connecting ---- */
static bool connect_to(struct migrate_link *l, struct fault *f)
{
    int64_t port;
    if (!num_parse_i64(slice_str(l->port), &port) || port < 1 || port > 65535) {
        fault_set(f, FAULT_INVALID, "%s is no port", l->port);
        return false;
    }
    l->fd = socket_connect_tcp(l->host, (int)port, NULL, f);
    if (l->fd < 0 ||
        !tls_config_connect(server_tls(l->links->server), TLS_LINK_CLUSTER, l->host, &l->wire, f))
        return false;
    socket_set_nodelay(l->fd, true);
    int rc = wait_for(l, POLLOUT);
    if (rc < 0)
        fault_io(f, -rc, "connect", "connect to %s:%s", l->host, l->port);
    return rc == 0;
}

struct migrate_link *migrate_link_get(struct migrate_links *links, const struct migrate_to *to,
                                      struct fault *f)
{
    struct migrate_link *l = find_kept(links, to);
    if (l) {
        forget(l);
        l->timeout_ms = to->timeout_ms;
        return l;
    }
    l = mem_zalloc(sizeof *l);
    *l = (struct migrate_link){.links = links, .fd = -1, .timeout_ms = to->timeout_ms, .db = -1,
                               .version = -1, .host = mem_dup(to->host.data, to->host.len),
                               .port = mem_dup(to->port.data, to->port.len)};
    link_init(&l->link);
    reply_open(&l->reader, &(struct reply_limits){0});
    must(to->timeout_ms > 0);
    if (connect_to(l, f))
        return l;
    must(fault_is(f));
    migrate_link_drop(l);
    return NULL;
}
