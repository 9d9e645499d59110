/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/keyspace_events.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/must.h"
#include "server/config.h"
#include "server/notify.h"
#include "server/publish.h"
#include "server/server.h"

struct keyspace_events {
    struct server *server;
    uint32_t classes;
    struct buf channel; /* room for a name */
};

/* In the order in which CONFIG GET shows them. */
static const struct {
    char letter;
    uint32_t classes;
} letters[] = {
    {'A', NOTIFY_ALL},       {'g', NOTIFY_GENERIC},  {'$', NOTIFY_STRING}, {'l', NOTIFY_LIST},
    {'s', NOTIFY_SET},       {'h', NOTIFY_HASH},     {'z', NOTIFY_ZSET},   {'x', NOTIFY_EXPIRED},
    {'e', NOTIFY_EVICTED},   {'t', NOTIFY_STREAM},   {'d', NOTIFY_MODULE}, {'n', NOTIFY_NEW},
    {'K', NOTIFY_KEYSPACE},  {'E', NOTIFY_KEYEVENT}, {'m', NOTIFY_KEY_MISS},
};
enum { LETTERS = sizeof letters / sizeof *letters };

/* ---- telling ---- */

static void tell(struct keyspace_events *ke, const char *kind, unsigned db, struct slice about,
                 struct slice text)
{
    buf_clear(&ke->channel);
    buf_printf(&ke->channel, "__%s@%u__:", kind, db);
    buf_add(&ke->channel, about);
    publish(ke->server, buf_slice(&ke->channel), text);
}

static void on_event(void *arg, struct db *db, enum notify_class what, const char *event,
                     struct slice key)
{
    struct keyspace_events *ke = arg;
    must(ke->classes & what);
    if (ke->classes & NOTIFY_KEYSPACE)
        tell(ke, "keyspace", db->id, key, slice_str(event));
    if (ke->classes & NOTIFY_KEYEVENT)
        tell(ke, "keyevent", db->id, slice_str(event), key);
}

/* ---- the option ---- */

static bool parse(void *owner, int argc, const struct slice *argv, struct fault *f)
{
    struct keyspace_events *ke = owner;
    uint32_t classes = 0;
    if (argc != 1) {
        fault_set(f, FAULT_INVALID, "wrong number of arguments");
        return false;
    }
    for (size_t i = 0; i < argv[0].len; i++) {
        int at = 0;
        while (at < LETTERS && letters[at].letter != argv[0].data[i])
            at++;
        if (at == LETTERS) {
            fault_set(f, FAULT_INVALID, "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
            return false;
        }
        classes |= letters[at].classes;
    }
    ke->classes = classes;
    return true;
}

static void print(const void *owner, struct buf *out)
{
    uint32_t left = ((const struct keyspace_events *)owner)->classes;
    for (int i = 0; i < LETTERS; i++) {
        if ((left & letters[i].classes) != letters[i].classes)
            continue;
        buf_append(out, &letters[i].letter, 1);
        left &= ~letters[i].classes;
    }
    must(left == 0);
}

/* Where nobody could hear of it, nothing is listened for. */
static bool apply(void *owner, struct fault *f)
{
    struct keyspace_events *ke = owner;
    bool told = ke->classes & (NOTIFY_KEYSPACE | NOTIFY_KEYEVENT);
    uint32_t kinds = NOTIFY_KEYSPACE | NOTIFY_KEYEVENT;
    (void)f;
    notify_on(server_notify(ke->server), told ? ke->classes & ~kinds : 0, on_event, ke);
    return true;
}

static const struct config_option options[] = {
    {.name = "notify-keyspace-events",
     .kind = CONFIG_CUSTOM,
     .flags = CONFIG_WHOLE,
     .initial = "",
     .parse = parse,
     .print = print,
     .apply = apply},
    {.name = NULL},
};

struct keyspace_events *keyspace_events_new(struct server *s)
{
    struct keyspace_events *ke = mem_zalloc(sizeof *ke);
    ke->server = s;
    config_add(server_config(s), options, ke);
    return ke;
}

void keyspace_events_free(struct keyspace_events *ke)
{
    config_release(server_config(ke->server), ke);
    buf_free(&ke->channel);
    mem_free(ke);
}
