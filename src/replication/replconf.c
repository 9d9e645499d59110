/* SPDX-License-Identifier: BSD-3-Clause */
/* REPLCONF word value ...: what a replica says of itself in front of PSYNC, and acknowledges behind
 * it. A primary's REPLCONF GETACK comes through the link, to whom it is meant (apply.h). */
#include <limits.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/num.h"
#include "replication/cmd_replication.h"
#include "replication/repl.h"
#include "replication/replicas.h"
#include "server/client.h"
#include "server/config.h"
#include "server/ctx.h"
#include "server/reply.h"

enum { ADDRESS_MAX = 256, FILTER_WORDS_MAX = 16 };

/* Each gets the place of its value; false: it replied an error. */
typedef bool word_taken(struct ctx *c, int at, struct replica *rep);

static bool take_port(struct ctx *c, int at, struct replica *rep)
{
    return ctx_arg_range(c, at, INT64_MIN, INT64_MAX, &rep->port,
                         "ERR value is not an integer or out of range");
}

static bool take_address(struct ctx *c, int at, struct replica *rep)
{
    struct slice address = c->argv[at];
    if (address.len >= ADDRESS_MAX) {
        reply_errorf(c, "ERR REPLCONF ip-address provided by replica instance is too long: %zu "
                        "bytes", address.len);
        return false;
    }
    mem_free(rep->address);
    rep->address = mem_dup(address.data, address.len);
    return true;
}

static bool take_capa(struct ctx *c, int at, struct replica *rep)
{
    if (ctx_arg_is(c, at, "eof"))
        rep->capa |= REPLICA_CAPA_EOF;
    else if (ctx_arg_is(c, at, "psync2"))
        rep->capa |= REPLICA_CAPA_PSYNC2;
    return true; /* what is not known here is not used */
}

static bool take_rdb_only(struct ctx *c, int at, struct replica *rep)
{
    int64_t yes;
    if (!ctx_arg_range(c, at, 0, 1, &yes, "ERR value is out of range, value must between 0 and 1"))
        return false;
    rep->rdb_only = yes;
    return true;
}

static bool take_filter(struct ctx *c, int at, struct replica *rep)
{
    struct slice words[FILTER_WORDS_MAX];
    struct buf hold = {0};
    int count = 0;
    bool ok = config_split(c->argv[at], &hold, words, FILTER_WORDS_MAX, &count);
    if (!ok)
        reply_error(c, "ERR Missing rdb-filter-only values");
    rep->filter = REPLICA_WITHOUT_KEYS | REPLICA_WITHOUT_FUNCTIONS;
    for (int i = 0; ok && i < count; i++) {
        ok = slice_eq_nocase(words[i], "functions");
        if (ok)
            rep->filter &= ~(unsigned)REPLICA_WITHOUT_FUNCTIONS;
        else
            reply_errorf(c, "ERR Unsupported rdb-filter-only option: %.*s", SLICE_ARG(words[i]));
    }
    buf_free(&hold);
    return ok;
}

/* "7.2.4" is 0x070204. */
static bool take_version(struct ctx *c, int at, struct replica *rep)
{
    struct slice left = c->argv[at];
    int version = 0, parts = 0;
    while (parts < 3) {
        size_t n = 0;
        int64_t part;
        while (n < left.len && left.data[n] != '.')
            n++;
        bool last = n == left.len;
        if (!num_parse_i64(slice(left.data, n), &part) || part < 0 || part > 255 ||
            last != (++parts == 3)) {
            reply_errorf(c, "ERR Unrecognized version format: %.*s", SLICE_ARG(c->argv[at]));
            return false;
        }
        version = version << 8 | (int)part;
        left = last ? slice(left.data, 0) : slice_from(left, n + 1);
    }
    rep->version = version;
    return true;
}

static const struct {
    const char *word;
    word_taken *take;
} words[] = {{"listening-port", take_port}, {"ip-address", take_address}, {"capa", take_capa},
             {"rdb-only", take_rdb_only}, {"rdb-filter-only", take_filter},
             {"version", take_version}};
enum { WORDS = sizeof words / sizeof *words };

/* REPLCONF ACK offset [FACK offset]. Nothing is replied, also not that it makes no sense. */
static void acknowledge(struct ctx *c, struct repl *r)
{
    struct replica *rep = replica_peek(r->replicas, c->client);
    int64_t offset, on_disk = -1;
    if (!rep || !(c->client->flags & CLIENT_REPLICA) || !num_parse_i64(c->argv[2], &offset))
        return;
    if (c->argc > 4 && ctx_arg_is(c, 3, "fack") && !num_parse_i64(c->argv[4], &on_disk))
        on_disk = -1;
    replica_acknowledge(rep, offset, on_disk);
}

void cmd_replconf(struct ctx *c)
{
    struct repl *r = c->arg;
    if (c->argc % 2 == 0) {
        reply_syntax(c);
        return;
    }
    for (int i = 1; i < c->argc; i += 2) {
        int known = 0;
        if (ctx_arg_is(c, i, "ack")) {
            acknowledge(c, r);
            return;
        }
        if (ctx_arg_is(c, i, "getack"))
            return;
        while (known < WORDS && !ctx_arg_is(c, i, words[known].word))
            known++;
        if (known == WORDS) {
            reply_errorf(c, "ERR Unrecognized REPLCONF option: %.*s", SLICE_ARG(c->argv[i]));
            return;
        }
        if (!words[known].take(c, i + 1, replica_of(r->replicas, c->client)))
            return;
    }
    reply_ok(c);
}
