/* SPDX-License-Identifier: BSD-3-Clause */
/* Streams.
 *
 *   nodes        n (str-of-16 listpack)...      key: u64be ms, u64be seq of the master
 *   length, last id, [v2: first id, highest deleted id, entries ever added]
 *   groups       n (str name, last id, [v2: entries read],
 *                   pending    n (16B id, u64le delivered ms, len count)...
 *                   consumers  n (str name, u64le seen, [v3: u64le active], n 16B-id...)...,
 *                   [v5: n 16B-id... pending without a consumer])...
 *   [v4: dedup window of producers]
 *
 *   listpack     live, deleted, F, F names, 0, then live + deleted entries:
 *     entry      flags, ms - master, seq - master, same fields: F values
 *                else n, n (name, value); then the number of elements before this one
 *
 * Numbers that can be told from the nodes (length, first id, a last id not below the newest entry)
 * are computed; a stored one that differs is mended with a note. All else that cannot be is a
 * fault: what passes here is safe to walk without further checks. */
#include <inttypes.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/must.h"
#include "containers/listpack.h"
#include "format/rdb_parts.h"

struct stream_sums {
    uint64_t live;
    struct stream_id newest, first;
    bool any, any_live;
};

/* What was there before is at or behind it. */
static bool not_behind(const struct stream_sums *sums, struct stream_id id)
{
    return sums->any && stream_id_cmp(id, sums->newest) <= 0;
}

static struct stream_id raw_id(struct rdb_reader *r)
{
    struct stream_id id = {.ms = in_be64(r->in)};
    id.seq = in_be64(r->in);
    return id;
}

static struct stream_id len_id(struct rdb_reader *r)
{
    struct stream_id id = {.ms = rdb_len(r)};
    id.seq = rdb_len(r);
    return id;
}

/* ---- nodes ---- */

struct walk {
    const uint8_t *lp;
    size_t at;       /* 0 at the end */
    size_t left;     /* elements from at on */
    const char *bad; /* the first complaint */
};

static int64_t walk_int(struct walk *w)
{
    int64_t n = 0;
    struct slice text;
    if (!w->at || !lp_get_int(w->lp, w->at, &n, &text)) {
        w->bad = w->bad ? w->bad : "Stream node: a number is missing";
        return 0;
    }
    w->at = lp_next(w->lp, w->at);
    w->left--;
    return n;
}

static void walk_skip(struct walk *w, int64_t n)
{
    if (n < 0 || (uint64_t)n > w->left) {
        w->bad = w->bad ? w->bad : "Stream node: fewer elements than announced";
        return;
    }
    w->left -= (size_t)n;
    for (; n > 0; n--)
        w->at = lp_next(w->lp, w->at);
}

static bool walk_complain(struct walk *w, bool wrong, const char *why)
{
    if (wrong && !w->bad)
        w->bad = why;
    return !w->bad;
}

/* Returns 1 for a deleted entry, else 0. */
static int walk_entry(struct walk *w, struct stream_id master, int64_t fields,
                      struct stream_sums *sums)
{
    int64_t flags = walk_int(w);
    struct stream_id id = {.ms = master.ms + (uint64_t)walk_int(w)};
    id.seq = master.seq + (uint64_t)walk_int(w);
    int64_t elements = fields + 3;
    if (flags & STREAM_ENTRY_SAME_FIELDS) {
        walk_skip(w, fields);
    } else {
        int64_t n = walk_int(w);
        if (!walk_complain(w, n < 0 || (uint64_t)n > w->left / 2, "Stream entry: bad field count"))
            return 0;
        walk_skip(w, 2 * n);
        elements = 2 * n + 4;
    }
    int64_t stored = walk_int(w);
    walk_complain(w, stored != elements, "Stream entry: wrong number of elements");
    /* The sums are taken modulo 2^64 as writers do; one that truly wrapped cannot grow. */
    walk_complain(w, stream_id_cmp(id, master) < 0 || not_behind(sums, id),
                  "Stream entry IDs do not grow");
    sums->any = true;
    sums->newest = id;
    if (flags & STREAM_ENTRY_DELETED)
        return 1;
    if (!sums->any_live)
        sums->first = id;
    sums->any_live = true;
    return 0;
}

static const char *check_node(const uint8_t *lp, size_t count, struct stream_id master,
                              struct stream_sums *sums)
{
    struct walk w = {.lp = lp, .at = lp_first(lp), .left = count};
    int64_t live = walk_int(&w), deleted = walk_int(&w), fields = walk_int(&w);
    int64_t most = (int64_t)count;
    bool impossible = live < 0 || deleted < 0 || live > most || deleted > most;
    walk_complain(&w, impossible || live + deleted == 0, "Stream node: bad entry counts");
    walk_complain(&w, not_behind(sums, master), "Stream nodes out of order");
    walk_skip(&w, fields);
    walk_complain(&w, walk_int(&w) != 0, "Stream node: bad end of the master entry");
    int64_t seen_deleted = 0;
    for (int64_t i = 0; i < live + deleted && !w.bad; i++)
        seen_deleted += walk_entry(&w, master, fields, sums);
    walk_complain(&w, w.left != 0, "Stream node: elements behind the last entry");
    walk_complain(&w, seen_deleted != deleted, "Stream node: wrong number of deleted entries");
    sums->live += (uint64_t)live;
    must(w.bad || w.at == 0);
    must(w.bad || sums->any);
    return w.bad;
}

static void read_node(struct rdb_reader *r, struct stream_sums *sums)
{
    const char *why = NULL;
    size_t count = 0;
    rdb_stored_as(r, RDB_STORED_ID);
    struct slice key = rdb_str(r, &r->first);
    if (key.len != sizeof(struct stream_id)) {
        in_fail(r->in, FAULT_FORMAT, "A stream's node has a key that is no id");
        return;
    }
    struct stream_id master = {load_be64(key.data), load_be64(key.data + 8)};
    rdb_stored_as(r, RDB_STORED_BLOCK);
    struct slice blob = rdb_str(r, &r->packed);
    if (in_bad(r->in))
        return;
    if (lp_validate(blob, &count, &why))
        why = check_node((const uint8_t *)blob.data, count, master, sums);
    if (why)
        in_fail(r->in, FAULT_FORMAT, "%s", why);
    else
        RDB_EVENT(r, stream_node, master, blob);
}

/* ---- the numbers behind the nodes ---- */

static void mend(struct rdb_reader *r, const struct stream_sums *sums,
                 struct stream_info_event *info)
{
    must(sums->any_live == (sums->live > 0));
    must(sums->any || !sums->any_live);
    bool wrong = info->length != sums->live ||
                 (sums->any && stream_id_cmp(info->last, sums->newest) < 0);
    if (wrong && !sums->any)
        in_fail(r->in, FAULT_FORMAT, "Stream length inconsistent with its nodes");
    else if (wrong)
        rdb_note(r, "A stream's length or last ID did not fit its entries and was computed anew");
    info->length = sums->live;
    if (sums->any_live)
        info->first = sums->first;
    if (sums->any && stream_id_cmp(info->last, sums->newest) < 0)
        info->last = sums->newest;
    if (info->entries_added < info->length)
        info->entries_added = info->length;
    must(!sums->any || stream_id_cmp(info->last, sums->newest) >= 0);
}

static void read_info(struct rdb_reader *r, int version, const struct stream_sums *sums,
                      struct stream_info_event *info)
{
    enum { GROUP_MIN = 5 };
    info->length = rdb_len(r);
    info->last = len_id(r);
    info->entries_added = info->length;
    if (version >= 2) {
        info->first = len_id(r); /* counts only when there are no entries to tell it */
        info->max_deleted = len_id(r);
        info->entries_added = rdb_len(r);
    }
    if (!in_bad(r->in))
        mend(r, sums, info);
    if (version == 1 && !sums->any_live) /* what the peers show for it */
        info->first = (struct stream_id){UINT64_MAX, UINT64_MAX};
    info->groups = rdb_count(r, GROUP_MIN, "consumer groups");
    if (!in_bad(r->in))
        RDB_EVENT(r, stream_info, info);
}

/* ---- groups ---- */

/* What version 1 did not store, as far as it can be told. */
static int64_t estimate_read(const struct stream_info_event *info, struct stream_id at)
{
    must(info->entries_added >= info->length);
    if (info->entries_added == 0)
        return 0;
    int to_last = stream_id_cmp(at, info->last);
    if (to_last > 0)
        return -1;
    if (to_last == 0 || info->length == 0)
        return (int64_t)info->entries_added;
    int to_first = stream_id_cmp(at, info->first);
    if (to_first > 0 || stream_id_cmp(info->max_deleted, info->first) >= 0)
        return -1;
    return (int64_t)(info->entries_added - info->length) + (to_first == 0);
}

/* What holds the list failed, which says nothing of the stream. */
static bool list_failed(struct rdb_reader *r)
{
    const struct fault *f = pending_list_fault(&r->pending);
    if (f)
        in_fail(r->in, f->code, "%s", f->what);
    return f != NULL;
}

/* The group's pending list. Returns the number of entries. */
static uint64_t read_pending(struct rdb_reader *r)
{
    enum { PENDING_MIN = 25 };
    uint64_t n = rdb_count(r, PENDING_MIN, "pending entries");
    bool backed = !in_bad(r->in) && in_left(r->in) != UINT64_MAX;
    r->pending.outside = r->opt.pending;
    pending_list_begin(&r->pending, backed || r->opt.pending ? n : 0);
    for (uint64_t i = 0; i < n && !in_bad(r->in); i++) {
        struct stream_pending_event e = {.id = raw_id(r)};
        e.delivered_ms = (int64_t)in_le64(r->in);
        e.count = rdb_len(r);
        pending_list_add(&r->pending, &e);
    }
    if (!in_bad(r->in) && !pending_list_sort(&r->pending) && !list_failed(r))
        in_fail(r->in, FAULT_FORMAT, "Duplicated ID in a consumer group's pending list");
    return n;
}

static void tell_pending(struct rdb_reader *r)
{
    struct stream_pending_event e;
    bool claimed;
    while (pending_list_next(&r->pending, &e, &claimed)) {
        must(!claimed);
        RDB_EVENT(r, stream_pending, &e);
    }
    list_failed(r);
}

/* Returns how many it owns. */
static uint64_t read_consumer(struct rdb_reader *r, int version)
{
    enum { ID_BYTES = 16 };
    struct stream_consumer_event e = {.name = rdb_str_kept(r, &r->first)};
    if (!distinct_add(&r->distinct, hash_slice(e.name)))
        in_fail(r->in, FAULT_FORMAT, "Duplicate consumer in a consumer group");
    e.seen_ms = (int64_t)in_le64(r->in);
    e.active_ms = version >= 3 ? (int64_t)in_le64(r->in) : e.seen_ms;
    e.owned = rdb_count(r, ID_BYTES, "entries of a consumer");
    if (!in_bad(r->in))
        RDB_EVENT(r, stream_consumer, &e);
    for (uint64_t i = 0; i < e.owned && !in_bad(r->in); i++) {
        struct stream_pending_event p = {.id = raw_id(r)};
        if (in_bad(r->in))
            break;
        enum pending_claim claim = pending_list_claim(&r->pending, &p);
        if (claim == PENDING_CLAIMED)
            RDB_EVENT(r, stream_owned, &p);
        else if (!list_failed(r))
            in_fail(r->in, FAULT_FORMAT, claim == PENDING_ABSENT
                        ? "Consumer entry not found in the group's pending list"
                        : "A pending entry belongs to two consumers");
    }
    return e.owned;
}

/* ---- what later versions know besides: told as it lies there, in pieces ---- */

struct rest {
    uint8_t type;
    uint64_t from; /* the stream's offset of the piece */
};

static struct rest begin_rest(struct rdb_reader *r, uint8_t type)
{
    buf_clear(&r->rest);
    in_tap_start(r->in, &r->rest);
    must(r->rest.len == 0);
    return (struct rest){type, in_offset(r->in)};
}

static void end_rest(struct rdb_reader *r, struct rest *rest, bool any)
{
    in_tap_stop(r->in);
    must(in_bad(r->in) || r->rest.len == in_offset(r->in) - rest->from);
    if (any && r->rest.len && !in_bad(r->in))
        RDB_EVENT(r, stream_rest, rest->type, buf_slice(&r->rest));
}

/* Behind each of its elements. */
static void cut_rest(struct rdb_reader *r, struct rest *rest)
{
    enum { PIECE = 64 << 10 };
    if (in_offset(r->in) - rest->from < PIECE)
        return;
    end_rest(r, rest, true);
    *rest = begin_rest(r, rest->type);
}

/* Redis 8.8: entries of the group's pending list that no consumer owns. Returns how many. */
static uint64_t read_unowned(struct rdb_reader *r)
{
    enum { ID_BYTES = 16 };
    struct rest rest = begin_rest(r, RDB_STREAM_5);
    uint64_t n = rdb_count(r, ID_BYTES, "entries without a consumer");
    for (uint64_t i = 0; i < n && !in_bad(r->in); i++) {
        struct stream_pending_event p = {.id = raw_id(r)};
        if (!in_bad(r->in) && pending_list_claim(&r->pending, &p) != PENDING_CLAIMED &&
            !list_failed(r))
            in_fail(r->in, FAULT_FORMAT,
                    "An entry without a consumer is not pending, or somebody owns it");
        cut_rest(r, &rest);
    }
    end_rest(r, &rest, n > 0);
    return n;
}

static void read_group(struct rdb_reader *r, int version, const struct stream_info_event *info)
{
    enum { CONSUMER_MIN = 10 };
    struct stream_group_event e = {.name = rdb_str_kept(r, &r->second)};
    if (!distinct_add(&r->names, hash_slice(e.name)))
        in_fail(r->in, FAULT_FORMAT, "Duplicated consumer group name");
    e.last = len_id(r);
    e.entries_read = version >= 2 ? (int64_t)rdb_len(r) : estimate_read(info, e.last);
    if (e.entries_read < -1)
        in_fail(r->in, FAULT_FORMAT, "Invalid number of entries read by a consumer group");
    uint64_t n = e.pending = read_pending(r);
    e.consumers = rdb_count(r, CONSUMER_MIN, "consumers");
    if (in_bad(r->in))
        return;
    RDB_EVENT(r, stream_group, &e);
    tell_pending(r);
    uint64_t owned = 0;
    distinct_start(&r->distinct, e.consumers);
    for (uint64_t i = 0; i < e.consumers && !in_bad(r->in); i++)
        owned += read_consumer(r, version);
    if (version >= 5 && !in_bad(r->in))
        owned += read_unowned(r);
    must(in_bad(r->in) || owned <= n); /* each was claimed once */
    if (owned != n)
        in_fail(r->in, FAULT_FORMAT, "A pending entry belongs to no consumer");
    pending_list_end(&r->pending);
}

/* Redis 8.6: duration, room, producers with what they sent, two counters. A window without
 * producers says nothing that could be lost. */
static void read_producers(struct rdb_reader *r)
{
    enum { PRODUCER_MIN = 2, SENT_MIN = 3 };
    struct rest rest = begin_rest(r, RDB_STREAM_4);
    rdb_len(r);
    rdb_len(r);
    uint64_t producers = rdb_count(r, PRODUCER_MIN, "producers");
    for (uint64_t i = 0; i < producers && !in_bad(r->in); i++) {
        rdb_str(r, &r->first);
        uint64_t sent = rdb_count(r, SENT_MIN, "entries of a producer");
        for (uint64_t k = 0; k < sent && !in_bad(r->in); k++) {
            rdb_str(r, &r->first);
            len_id(r);
            cut_rest(r, &rest);
        }
    }
    rdb_len(r);
    rdb_len(r);
    end_rest(r, &rest, producers > 0);
}

void rdb_stream(struct rdb_reader *r, int type)
{
    enum { NODE_MIN = 18 };
    int version = type == RDB_STREAM_1   ? 1
                  : type == RDB_STREAM_2 ? 2
                  : type == RDB_STREAM_3 ? 3
                  : type == RDB_STREAM_4 ? 4
                                         : 5;
    must(version < 5 || type == RDB_STREAM_5);
    must(!r->begun);
    struct stream_sums sums = {0};
    struct stream_info_event info = {0};
    uint64_t nodes = rdb_count(r, NODE_MIN, "stream nodes");
    rdb_begin(r, VALUE_STREAM, 0, nodes);
    for (uint64_t i = 0; i < nodes && !in_bad(r->in); i++)
        read_node(r, &sums);
    read_info(r, version, &sums, &info);
    distinct_start(&r->names, info.groups);
    for (uint64_t i = 0; i < info.groups && !in_bad(r->in); i++)
        read_group(r, version, &info);
    if (version >= 4)
        read_producers(r);
}
