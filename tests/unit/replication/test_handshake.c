/* SPDX-License-Identifier: BSD-3-Clause */
/* What is said to a primary, and what its answers come to, whole and cut at every byte. */
#include <stdio.h>

#include "base/log.h"
#include "replication/handshake.h"
#include "tests/unit/unit.h"

#define ID "0123456789abcdef0123456789abcdef01234567"
#define WHO "+OK\r\n+OK\r\n"

static const struct handshake_facts plain = {.port = 7000};
static const struct handshake_facts known = {.port = 7000, .id = ID, .offset = 101};

/* All that is said, in answer to all that is heard. */
static struct handshake talk(const struct handshake_facts *facts, const char *heard, size_t step,
                             struct buf *said, size_t *used)
{
    struct handshake h;
    size_t len = strlen(heard);
    log_set_level(LOG_NOTHING_LEVEL);
    handshake_begin(&h, facts);
    *used = 0;
    while (*used < len && h.end == HANDSHAKE_MORE) {
        size_t n = len - *used < step ? len - *used : step;
        *used += handshake_feed(&h, heard + *used, n);
    }
    buf_add(said, buf_slice(&h.out));
    handshake_free(&h);
    return h;
}

static void check(const struct handshake_facts *facts, const char *heard, enum handshake_end end,
                  const char *why, const char *said)
{
    for (size_t step = 1; step <= strlen(heard); step++) {
        struct buf text = {0};
        size_t used;
        struct handshake h = talk(facts, heard, step, &text, &used);
        CHECK_INT(h.end, end);
        CHECK_STR(h.why, why);
        if (said)
            CHECK_SLICE(buf_slice(&text), slice_str(said));
        if (h.end == HANDSHAKE_MORE || h.end == HANDSHAKE_LATER)
            CHECK_INT(used, strlen(heard));
        buf_free(&text);
    }
}

#define PING "*1\r\n$4\r\nPING\r\n"
#define PORT "*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$4\r\n7000\r\n"
#define IP "*3\r\n$8\r\nREPLCONF\r\n$10\r\nip-address\r\n$7\r\n1.2.3.4\r\n"
#define CAPA "*5\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n"
#define PSYNC_ALL "*3\r\n$5\r\nPSYNC\r\n$1\r\n?\r\n$2\r\n-1\r\n"
#define PSYNC_ON "*3\r\n$5\r\nPSYNC\r\n$40\r\n" ID "\r\n$3\r\n101\r\n"

static void says_in_order(void)
{
    struct handshake_facts all = known;
    check(&plain, "+PONG\r\n" WHO "+FULLRESYNC " ID " 5\r\n", HANDSHAKE_FULL, "full",
          PING PORT CAPA PSYNC_ALL);
    check(&known, "+PONG\r\n" WHO "+CONTINUE\r\n", HANDSHAKE_CONTINUE, "continue",
          PING PORT CAPA PSYNC_ON);
    all.user = SLICE_LIT("us");
    all.password = SLICE_LIT("se cret");
    all.ip = SLICE_LIT("1.2.3.4");
    check(&all, "-NOAUTH Authentication required.\r\n+OK\r\n+OK\r\n" WHO "\n\n+CONTINUE " ID "\r\n",
          HANDSHAKE_CONTINUE, "continue",
          PING "*3\r\n$4\r\nAUTH\r\n$2\r\nus\r\n$7\r\nse cret\r\n" PORT IP CAPA PSYNC_ON);
    all.user.len = 0;
    check(&all, "+PONG\r\n", HANDSHAKE_MORE, "", PING "*2\r\n$4\r\nAUTH\r\n$7\r\nse cret\r\n");
    struct handshake_facts heir = known;
    heir.take_over = true;
    check(&heir, "+PONG\r\n" WHO "+CONTINUE " ID "\r\n", HANDSHAKE_CONTINUE, "continue",
          PING PORT CAPA "*4\r\n$5\r\nPSYNC\r\n$40\r\n" ID "\r\n$3\r\n101\r\n"
          "$8\r\nFAILOVER\r\n");
    /* each waits for its answer */
    check(&plain, "+PONG\r\n+OK\r\n", HANDSHAKE_MORE, "", PING PORT CAPA);
}

static void learns(void)
{
    struct buf said = {0};
    size_t used;
    struct handshake h = talk(&plain, "+PONG\r\n" WHO "+FULLRESYNC " ID " 77\r\n$12\r\n", 1000,
                              &said, &used);
    CHECK_STR(h.id, ID);
    CHECK_INT(h.offset, 77);
    CHECK_INT(used, strlen("+PONG\r\n" WHO "+FULLRESYNC " ID " 77\r\n"));
    h = talk(&known, "+PONG\r\n" WHO "+CONTINUE\r\n*1\r\n", 1000, &said, &used);
    CHECK_STR(h.id, "");
    CHECK_INT(used, strlen("+PONG\r\n" WHO "+CONTINUE\r\n"));
    /* what it does not understand is no hindrance */
    h = talk(&known, "+PONG\r\n-ERR what?\r\n-ERR what?\r\n+CONTINUE " ID "\r\n", 1000, &said,
             &used);
    CHECK_INT(h.end, HANDSHAKE_CONTINUE);
    CHECK_STR(h.id, ID);
    buf_free(&said);
}

static void is_sent_away(void)
{
    struct handshake_facts secret = plain;
    secret.password = SLICE_LIT("x");
    check(&plain, "-DENIED go\r\n", HANDSHAKE_LATER,
          "Error reply to PING from master: '-DENIED go'", PING);
    check(&secret, "+PONG\r\n-WRONGPASS no\r\n", HANDSHAKE_LATER,
          "Unable to AUTH to MASTER: -WRONGPASS no", NULL);
    check(&plain, "+PONG\r\n" WHO "-NOMASTERLINK no\r\n", HANDSHAKE_LATER,
          "Master is currently unable to PSYNC but should be in the future: -NOMASTERLINK no",
          NULL);
    check(&plain, "+PONG\r\n" WHO "-LOADING no\r\n", HANDSHAKE_LATER,
          "Master is currently unable to PSYNC but should be in the future: -LOADING no", NULL);
    check(&plain, "+PONG\r\n" WHO "-ERR no\r\n", HANDSHAKE_LATER,
          "Unexpected reply to PSYNC from master: -ERR no", NULL);
    struct handshake_facts heir = known;
    static const char leads[] = "+PONG\r\n" WHO
                                "-ERR PSYNC FAILOVER can't be sent to a master.\r\n";
    heir.take_over = true;
    check(&heir, leads, HANDSHAKE_LEADS, "It leads already", NULL);
    check(&known, leads, HANDSHAKE_LATER, "Unexpected reply to PSYNC from master: -ERR PSYNC "
          "FAILOVER can't be sent to a master.", NULL);
}

static void is_not_taken_in(void)
{
    static const char *const full[] = {"", " " ID, " " ID " x", " " ID " -1", " " ID " 5 6",
                                       " short 5", " " ID "0 5", " " ID " 99999999999999999999",
                                       " " ID " 9223372036854775807",
                                       " " ID " 2305843009213693952"};
    char text[256];
    for (size_t i = 0; i < sizeof full / sizeof *full; i++) {
        snprintf(text, sizeof text, "+PONG\r\n" WHO "+FULLRESYNC%s\r\n", full[i]);
        check(&plain, text, HANDSHAKE_BAD, "Master replied with wrong +FULLRESYNC syntax", NULL);
    }
    check(&plain, "+PONG\r\n" WHO "+CONTINUE\r\n", HANDSHAKE_BAD,
          "Master goes on with a history that nobody asked for", NULL);
    check(&known, "+PONG\r\n" WHO "+CONTINUE x\r\n", HANDSHAKE_BAD,
          "Master replied with wrong +CONTINUE syntax", NULL);
    check(&known, "+PONG\r\n" WHO "*1\r\n", HANDSHAKE_BAD,
          "Unexpected reply to PSYNC from master: *1", NULL);
    struct buf endless = {0};
    for (int i = 0; i < 2000; i++)
        buf_byte(&endless, 'x');
    check(&plain, buf_cstr(&endless), HANDSHAKE_BAD, "Master replied with a line without an end",
          NULL);
    buf_free(&endless);
}

int main(void)
{
    return UNIT_RUN(UNIT(says_in_order), UNIT(learns), UNIT(is_sent_away), UNIT(is_not_taken_in));
}
