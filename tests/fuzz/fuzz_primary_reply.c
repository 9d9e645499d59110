/* SPDX-License-Identifier: BSD-3-Clause */
/* A primary that says anything: the talk, the head of a full synchronisation and its body, whole
 * and cut in pieces, come to the same end, with the same bytes said, taken and left. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "replication/handshake.h"
#include "replication/sync_frame.h"
#include "tests/fuzz/fuzz.h"

#define REQUIRE(x) ((x) ? (void)0 : broken(#x, __LINE__))
#define ID "0123456789abcdef0123456789abcdef01234567"
#define MARK "9876543210987654321098765432109876543210"

static _Noreturn void broken(const char *what, int line)
{
    fprintf(stderr, "line %d: %s does not hold\n", line, what);
    abort();
}

struct heard {
    struct handshake talk;
    struct sync_frame frame;
    struct buf said, body;
    size_t used;
};

/* One piece, or what is left of it. Returns how much was used; 0: nothing more is. */
static size_t hear(struct heard *h, const char *data, size_t len)
{
    struct slice parts[2];
    size_t used = 0;
    if (h->talk.end == HANDSHAKE_MORE) {
        used = handshake_feed(&h->talk, data, len);
        REQUIRE(used == len || h->talk.end != HANDSHAKE_MORE);
        buf_add(&h->said, buf_slice(&h->talk.out));
        buf_clear(&h->talk.out);
    } else if (h->talk.end == HANDSHAKE_FULL && h->frame.state == FRAME_HEAD) {
        used = sync_frame_head(&h->frame, data, len);
        REQUIRE(used == len || h->frame.state != FRAME_HEAD);
    } else if (h->talk.end == HANDSHAKE_FULL && h->frame.state == FRAME_BODY) {
        used = sync_frame_body(&h->frame, data, len, parts);
        REQUIRE(used == len || h->frame.state == FRAME_OVER);
        REQUIRE(parts[0].len + parts[1].len <= used + sizeof h->frame.held);
        buf_add(&h->body, parts[0]);
        buf_add(&h->body, parts[1]);
    }
    REQUIRE(used <= len);
    return used;
}

static void hear_all(struct heard *h, const struct handshake_facts *facts, const char *data,
                     size_t len, size_t step)
{
    memset(h, 0, sizeof *h);
    handshake_begin(&h->talk, facts);
    for (size_t at = 0; at < len;) {
        size_t n = len - at < step ? len - at : step, used;
        char *piece = malloc(n); /* its end is where a sanitizer sees it */
        memcpy(piece, data + at, n);
        used = hear(h, piece, n);
        free(piece);
        if (!used)
            break;
        at += used;
        h->used = at;
    }
}

static void forget(struct heard *h)
{
    handshake_free(&h->talk);
    buf_free(&h->said);
    buf_free(&h->body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct handshake_facts facts = {.port = 6379};
    struct heard whole, pieces;
    if (size < 2)
        return 0;
    log_set_level(LOG_NOTHING_LEVEL);
    facts.password = data[0] & 1 ? SLICE_LIT("secret") : SLICE_LIT("");
    facts.user = data[0] & 2 ? SLICE_LIT("user") : SLICE_LIT("");
    facts.ip = data[0] & 4 ? SLICE_LIT("1.2.3.4") : SLICE_LIT("");
    facts.id = data[0] & 8 ? ID : NULL;
    hear_all(&whole, &facts, (const char *)data + 2, size - 2, size);
    hear_all(&pieces, &facts, (const char *)data + 2, size - 2, data[1] % 64 + 1);
    REQUIRE(whole.talk.end == pieces.talk.end && whole.used == pieces.used);
    REQUIRE(strcmp(whole.talk.id, pieces.talk.id) == 0);
    REQUIRE(strcmp(whole.talk.why, pieces.talk.why) == 0);
    REQUIRE(whole.talk.offset == pieces.talk.offset);
    REQUIRE(whole.talk.end != HANDSHAKE_FULL || strlen(whole.talk.id) == HANDSHAKE_ID);
    REQUIRE(whole.talk.end != HANDSHAKE_CONTINUE || facts.id);
    REQUIRE(slice_eq(buf_slice(&whole.said), buf_slice(&pieces.said)));
    REQUIRE(whole.frame.state == pieces.frame.state && whole.frame.left == pieces.frame.left);
    if (whole.frame.state == FRAME_OVER) /* else as many bytes as the mark has may be held back */
        REQUIRE(slice_eq(buf_slice(&whole.body), buf_slice(&pieces.body)));
    forget(&whole);
    forget(&pieces);
    return 0;
}

void fuzz_seeds(void)
{
    static const char *const seeds[] = {
        "\x08\x03+PONG\r\n+OK\r\n+OK\r\n+CONTINUE " ID "\r\n*1\r\n",
        "\x01\x05-NOAUTH\r\n+OK\r\n+OK\r\n+OK\r\n\n\n+FULLRESYNC " ID " 123\r\n\n$5\r\nabcdefg",
        "\x04\x07+PONG\r\n+OK\r\n+OK\r\n+OK\r\n+FULLRESYNC " ID " 1\r\n$EOF:" MARK "\r\nabc98765432"
        "1098765432109876543210987654321098765 and more" MARK "*1\r\n",
        "\x03\x01+PONG\r\n-WRONGPASS no\r\n", "\x08\x20+PONG\r\n-ERR\r\n-ERR\r\n-NOMASTERLINK\r\n",
        "\x08\x02+PONG\r\n+OK\r\n+OK\r\n+FULLRESYNC " ID " 1\r\n-ERR no memory\r\n",
    };
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++)
        fuzz_add(seeds[i], strlen(seeds[i]));
}
