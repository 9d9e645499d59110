/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/publish.h"

#include "base/buf.h"
#include "base/must.h"
#include "format/resp_write.h"
#include "server/client.h"
#include "server/pubsub.h"
#include "server/push.h"
#include "server/server.h"

enum { ROOM_KEPT = 64 * 1024 };

/* Its words, and what they are in each protocol, once somebody speaks it. */
struct message {
    struct slice words[4];
    size_t count;
    struct buf *encoded; /* pubsub_room's: RESP2, RESP3 */
};

static struct slice encoded(struct message *m, int resp)
{
    struct buf *to = &m->encoded[resp == 3];
    must(m->count > 0 && m->count <= sizeof m->words / sizeof *m->words);
    if (!to->len) {
        resp_put_head(to, resp == 3 ? '>' : '*', m->count);
        for (size_t i = 0; i < m->count; i++)
            resp_put_bulk(to, m->words[i]);
    }
    return buf_slice(to);
}

static void hear(void *arg, struct client *c)
{
    push_bytes(c, encoded(arg, c->resp));
}

static void settle_room(struct buf *room)
{
    if (room->cap > ROOM_KEPT)
        buf_free(room);
    buf_clear(room);
}

static size_t to_subscribers(struct pubsub *ps, enum pubsub_kind kind, struct slice name,
                             struct message *m)
{
    m->encoded = pubsub_room(ps);
    must(!m->encoded[0].len && !m->encoded[1].len); /* messages do not nest */
    size_t n = pubsub_each_subscriber(ps, kind, name, hear, m);
    settle_room(&m->encoded[0]);
    settle_room(&m->encoded[1]);
    return n;
}

/* ---- patterns ---- */

struct matching {
    struct pubsub *pubsub;
    struct slice channel, text;
    size_t heard;
};

static void by_pattern(void *arg, struct slice pattern)
{
    struct matching *m = arg;
    struct message message = {{SLICE_LIT("pmessage"), pattern, m->channel, m->text}, 4, NULL};
    m->heard += to_subscribers(m->pubsub, PUBSUB_PATTERN, pattern, &message);
}

size_t publish(struct server *s, struct slice channel, struct slice text)
{
    struct message message = {{SLICE_LIT("message"), channel, text}, 3, NULL};
    struct matching m = {.pubsub = server_pubsub(s), .channel = channel, .text = text};
    m.heard = to_subscribers(m.pubsub, PUBSUB_CHANNEL, channel, &message);
    pubsub_each_pattern(m.pubsub, channel, by_pattern, &m);
    return m.heard;
}

size_t publish_shard(struct server *s, struct slice channel, struct slice text)
{
    struct message message = {{SLICE_LIT("smessage"), channel, text}, 3, NULL};
    return to_subscribers(server_pubsub(s), PUBSUB_SHARD, channel, &message);
}
