/* SPDX-License-Identifier: BSD-3-Clause */
#include "replication/handshake.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/must.h"
#include "base/num.h"
#include "format/resp_write.h"
#include "server/role.h"

static void end_with(struct handshake *h, enum handshake_end end, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void end_with(struct handshake *h, enum handshake_end end, const char *format, ...)
{
    va_list ap;
    must(h->end == HANDSHAKE_MORE && end != HANDSHAKE_MORE);
    va_start(ap, format);
    vsnprintf(h->why, sizeof h->why, format, ap);
    va_end(ap);
    h->end = end;
}

/* ---- what is said ---- */

static void say(struct handshake *h, int argc, const struct slice *argv)
{
    resp_put_head(&h->out, '*', (size_t)argc);
    for (int i = 0; i < argc; i++)
        resp_put_bulk(&h->out, argv[i]);
}

static void say_auth(struct handshake *h)
{
    const struct handshake_facts *f = h->facts;
    must(f->password.len);
    struct slice words[3] = {SLICE_LIT("AUTH"), f->user, f->password};
    if (!f->user.len)
        words[1] = f->password;
    say(h, f->user.len ? 3 : 2, words);
    h->step = SAY_AUTH;
}

static void say_who(struct handshake *h)
{
    const struct handshake_facts *f = h->facts;
    struct slice words[5] = {SLICE_LIT("REPLCONF"), SLICE_LIT("listening-port")};
    char port[NUM_I64_TEXT];
    words[2] = slice(port, num_format_i64(port, f->port));
    say(h, 3, words);
    if (f->ip.len) {
        words[1] = SLICE_LIT("ip-address");
        words[2] = f->ip;
        say(h, 3, words);
    }
    words[1] = words[3] = SLICE_LIT("capa");
    words[2] = SLICE_LIT("eof");
    words[4] = SLICE_LIT("psync2");
    say(h, 5, words);
    h->step = SAY_PORT;
}

static void say_psync(struct handshake *h)
{
    const struct handshake_facts *f = h->facts;
    char offset[NUM_I64_TEXT];
    struct slice words[4] = {SLICE_LIT("PSYNC"), SLICE_LIT("?"), SLICE_LIT("-1"),
                             SLICE_LIT("FAILOVER")};
    must(f->id || !f->take_over);
    if (f->id) {
        words[1] = slice_str(f->id);
        words[2] = slice(offset, num_format_i64(offset, f->offset));
    }
    say(h, f->take_over ? 4 : 3, words);
    h->step = SAY_PSYNC;
}

/* ---- what is heard ---- */

static bool begins(struct slice line, const char *word)
{
    size_t n = strlen(word);
    return line.len >= n && memcmp(line.data, word, n) == 0;
}

/* The next word of what is left of the line. */
static struct slice word_of(struct slice *line)
{
    while (line->len && *line->data == ' ')
        *line = slice_from(*line, 1);
    size_t n = 0;
    while (n < line->len && line->data[n] != ' ')
        n++;
    struct slice word = slice(line->data, n);
    *line = slice_from(*line, n);
    return word;
}

static bool take_id(struct handshake *h, struct slice word)
{
    if (word.len != HANDSHAKE_ID)
        return false;
    for (size_t i = 0; i < word.len; i++)
        if (num_hex_digit(word.data[i]) < 0)
            return false;
    memcpy(h->id, word.data, HANDSHAKE_ID);
    h->id[HANDSHAKE_ID] = '\0';
    return true;
}

/* Some primaries want to be told who asks before they answer PING. */
static void heard_ping(struct handshake *h, struct slice line)
{
    bool welcome = begins(line, "+") || begins(line, "-NOAUTH") || begins(line, "-NOPERM") ||
                   begins(line, "-ERR operation not permitted");
    if (!welcome) {
        end_with(h, HANDSHAKE_LATER, "Error reply to PING from master: '%.*s'", SLICE_ARG(line));
        return;
    }
    log_notice("Master replied to PING, replication can continue...");
    if (h->facts->password.len)
        say_auth(h);
    else
        say_who(h);
}

static void heard_auth(struct handshake *h, struct slice line)
{
    if (begins(line, "-"))
        end_with(h, HANDSHAKE_LATER, "Unable to AUTH to MASTER: %.*s", SLICE_ARG(line));
    else
        say_who(h);
}

/* An old primary, or one that does not let us, gets on without. */
static void heard_who(struct handshake *h, struct slice line)
{
    static const char *const words[] = {[SAY_PORT] = "listening-port", [SAY_IP] = "ip-address",
                                        [SAY_CAPA] = "capa"};
    if (begins(line, "-"))
        log_notice("(Non critical) Master does not understand REPLCONF %s: %.*s", words[h->step],
                   SLICE_ARG(line));
    if (h->step == SAY_CAPA)
        say_psync(h);
    else
        h->step = h->step == SAY_PORT && h->facts->ip.len ? SAY_IP : SAY_CAPA;
}

static void heard_full(struct handshake *h, struct slice rest)
{
    struct slice id = word_of(&rest), offset = word_of(&rest);
    if (take_id(h, id) && num_parse_i64(offset, &h->offset) &&
        role_offset_can_be(h->offset) && !rest.len)
        end_with(h, HANDSHAKE_FULL, "full");
    else
        end_with(h, HANDSHAKE_BAD, "Master replied with wrong +FULLRESYNC syntax");
}

static void heard_continue(struct handshake *h, struct slice rest)
{
    struct slice id = word_of(&rest);
    if (!h->facts->id)
        end_with(h, HANDSHAKE_BAD, "Master goes on with a history that nobody asked for");
    else if (id.len && !take_id(h, id))
        end_with(h, HANDSHAKE_BAD, "Master replied with wrong +CONTINUE syntax");
    else
        end_with(h, HANDSHAKE_CONTINUE, "continue");
}

static void heard_psync(struct handshake *h, struct slice line)
{
    struct slice rest = line, word = word_of(&rest);
    if (slice_eq(word, SLICE_LIT("+FULLRESYNC")))
        heard_full(h, rest);
    else if (slice_eq(word, SLICE_LIT("+CONTINUE")))
        heard_continue(h, rest);
    else if (h->facts->take_over && begins(line, "-ERR PSYNC FAILOVER can't be sent to a master"))
        end_with(h, HANDSHAKE_LEADS, "It leads already");
    else if (begins(line, "-NOMASTERLINK") || begins(line, "-LOADING"))
        end_with(h, HANDSHAKE_LATER,
                 "Master is currently unable to PSYNC but should be in the future: %.*s",
                 SLICE_ARG(line));
    else
        end_with(h, begins(line, "-") ? HANDSHAKE_LATER : HANDSHAKE_BAD,
                 "Unexpected reply to PSYNC from master: %.*s", SLICE_ARG(line));
}

static void heard(struct handshake *h, struct slice line)
{
    if (line.len && line.data[line.len - 1] == '\r')
        line.len--;
    if (!line.len)
        return;
    switch (h->step) {
        case SAY_PING: heard_ping(h, line); break;
        case SAY_AUTH: heard_auth(h, line); break;
        case SAY_PORT:
        case SAY_IP:
        case SAY_CAPA: heard_who(h, line); break;
        case SAY_PSYNC: heard_psync(h, line); break;
    }
}

size_t handshake_feed(struct handshake *h, const char *data, size_t len)
{
    size_t used = 0;
    must(h->facts);
    while (used < len && h->end == HANDSHAKE_MORE) {
        const char *end = memchr(data + used, '\n', len - used);
        size_t n = end ? (size_t)(end - data) - used : len - used;
        if (n > sizeof h->line - h->line_len) {
            end_with(h, HANDSHAKE_BAD, "Master replied with a line without an end");
            return used;
        }
        memcpy(h->line + h->line_len, data + used, n);
        h->line_len += n;
        used += n + (end != NULL);
        if (end) {
            size_t whole = h->line_len;
            h->line_len = 0;
            heard(h, slice(h->line, whole));
        }
    }
    return used;
}

void handshake_begin(struct handshake *h, const struct handshake_facts *facts)
{
    static const struct slice ping = {"PING", 4};
    memset(h, 0, sizeof *h);
    h->facts = facts;
    say(h, 1, &ping);
}

void handshake_free(struct handshake *h)
{
    buf_free(&h->out);
}
