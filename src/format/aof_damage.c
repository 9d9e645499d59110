/* SPDX-License-Identifier: BSD-3-Clause */
/* Goes from line to line: an intact one tells how long its batch is, damaged or not, so what the
 * batch holds is never searched for lines (a value may hold any bytes). Small
 * batches behind it are followed by their commands, until one is not as it should be. Only where no
 * line stands is each '#' tried.
 *
 * Without the log's id a line's check says nothing. A session that begins further on tells the id;
 * before one is found, a line of the right form counts. */
#include "format/aof_damage.h"

#include <inttypes.h>

#include "base/must.h"
#include "base/num.h"
#include "format/aof_sum.h"

enum { STRETCH = 64 << 10 };

struct look {
    struct in *in;
    uint64_t start, at; /* in began at offset start of in's own count, at of the file */
    bool has_id;
    uint64_t id;
    struct aof_damage *d;
};

static uint64_t here(const struct look *l)
{
    must(in_offset(l->in) >= l->start);
    return l->at + (in_offset(l->in) - l->start);
}

/* The number of a line of prefix and digits, taken out of *left. */
static bool take_number(struct in *in, char prefix, uint64_t *left, uint64_t *n)
{
    enum { LINE_MAX = 22 };
    struct slice s = in_peek(in, LINE_MAX);
    const char *end = s.len ? memchr(s.data, '\r', s.len) : NULL;
    if (!end || s.data[0] != prefix)
        return false;
    uint64_t whole = (uint64_t)(end - s.data) + 2;
    must(whole > 2); /* the prefix is no CR */
    if (!num_parse_u64(slice(s.data + 1, (size_t)(whole - 3)), n) || whole > *left)
        return false;
    *left -= whole;
    return in_skip(in, whole);
}

static bool take_bytes(struct in *in, uint64_t *left, uint64_t n)
{
    if (n > *left || !in_skip(in, n))
        return false;
    *left -= n;
    return true;
}

static bool take_command(struct in *in, uint64_t *left)
{
    uint64_t args, len;
    if (!take_number(in, '*', left, &args))
        return false;
    for (; args > 0; args--)
        if (!take_number(in, '$', left, &len) || !take_bytes(in, left, len) ||
            !take_bytes(in, left, 2))
            return false;
    return true;
}

/* Counts the commands of a batch as far as it can be followed, and goes behind it. */
static uint64_t pass_batch(struct in *in, uint64_t len)
{
    uint64_t commands = 0, left = len;
    while (left > 0) {
        struct slice first = in_peek(in, 1);
        if (first.len && first.data[0] == '#') {
            while (left > 0 && !in_at_end(in)) {
                left--;
                if (in_byte(in) == '\n')
                    break;
            }
        } else if (take_command(in, &left)) {
            commands++;
        } else {
            in_skip(in, left);
            break;
        }
        if (in_at_end(in))
            break;
    }
    must(left <= len);
    return commands;
}

/* Counts the small batches that may stand here. */
static void pass_small(struct look *l)
{
    uint64_t left = AOF_SMALL_BYTES, commands = 0;
    for (;;) {
        struct slice s = in_peek(l->in, AOF_SMALL_LINE);
        if (s.len == AOF_SMALL_LINE && s.data[0] == '#' && s.data[5] == '\r' && commands > 0) {
            in_skip(l->in, AOF_SMALL_LINE);
            l->d->batches++;
            l->d->commands += commands;
            commands = 0;
            left = AOF_SMALL_BYTES;
        } else if (s.len == 0 || s.data[0] != '*' || !take_command(l->in, &left)) {
            return;
        } else {
            commands++;
        }
    }
}

static bool try_batch(struct look *l, uint64_t at)
{
    struct aof_batch b;
    struct slice text = in_peek(l->in, AOF_OLD_LINE);
    if (l->has_id ? !aof_batch_parse(text, l->id, at, &b) : !aof_batch_form(text, at, &b))
        return false;
    if (b.durable > l->d->durable)
        l->d->durable = b.durable;
    in_skip(l->in, b.line);
    uint64_t commands = pass_batch(l->in, b.len);
    if (at > l->at && b.len > 0) {
        l->d->batches++;
        l->d->commands += commands;
    }
    pass_small(l);
    return true;
}

/* in stands at a '#'. */
static void try_line(struct look *l)
{
    struct aof_session s;
    uint64_t at = here(l);
    must(*in_window(l->in, 1).data == '#');
    /* Another server may have appended since it was begun (aof_read.h). */
    if (aof_session_parse(in_peek(l->in, AOF_LOG_LINE), &s) &&
        (s.offset == at || (l->has_id && s.id == l->id && s.offset < at))) {
        l->has_id = true;
        l->id = s.id;
        in_skip(l->in, AOF_LOG_LINE);
    } else if (!try_batch(l, at)) {
        in_skip(l->in, 1);
    }
}

bool aof_damage_look(struct in *in, uint64_t at, const uint64_t *id, struct aof_damage *d)
{
    struct look l = {.in = in, .start = in_offset(in), .at = at, .has_id = id, .d = d};
    *d = (struct aof_damage){0};
    if (id)
        l.id = *id;
    while (!in_at_end(in)) {
        struct slice s = in_hold(in, STRETCH);
        const char *hash = memchr(s.data, '#', s.len);
        in_skip(in, hash ? (uint64_t)(hash - s.data) : s.len);
        if (hash)
            try_line(&l);
    }
    d->rot = d->durable > at;
    must(d->batches > 0 || d->commands == 0);
    return in->fault.code != FAULT_IO;
}

void aof_damage_tell(const struct aof_damage *d, uint64_t cut, uint64_t size, struct buf *to)
{
    must(!d->rot || d->durable > 0);
    if (d->rot)
        buf_printf(to, "Rot: up to offset %" PRIu64 " the file was safely on the disk, so writes "
                   "that were acknowledged are damaged.", d->durable);
    else
        buf_printf(to, "Torn: nothing shows that bytes behind offset %" PRIu64 " were ever safely "
                   "on the disk.", cut);
    buf_printf(to, " Cutting it at offset %" PRIu64 " loses %" PRIu64 " bytes; behind the damage "
               "are %" PRIu64 " batches with %" PRIu64 " commands.", cut, size - cut, d->batches,
               d->commands);
}
