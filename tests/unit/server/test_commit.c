/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/buf.h"
#include "server/commit.h"
#include "server/hooks.h"
#include "tests/unit/unit.h"

struct heard {
    struct buf log, replicas;
    uint64_t position;
    int batches;
    unsigned log_commands, replica_commands;
    bool apart;
    bool same; /* the last batch: the very same bytes for both */
};

static void hear(void *arg, const struct commit_batch *batch)
{
    struct heard *h = arg;
    buf_add(&h->log, batch->log);
    buf_add(&h->replicas, batch->replicas);
    h->position = batch->position;
    h->log_commands = batch->log_commands;
    h->replica_commands = batch->replica_commands;
    h->same = batch->log.data == batch->replicas.data;
    h->apart = batch->apart;
    h->batches++;
}

static const struct slice set[] = {SLICE_LIT("SET"), SLICE_LIT("k"), SLICE_LIT("a\r\nb")};
static const struct slice del[] = {SLICE_LIT("DEL"), SLICE_LIT("k")};
#define SELECT(n) "*2\r\n$6\r\nSELECT\r\n$1\r\n" n "\r\n"
#define SET "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$4\r\na\r\nb\r\n"
#define DEL "*2\r\n$3\r\nDEL\r\n$1\r\nk\r\n"

#define MULTI "*1\r\n$5\r\nMULTI\r\n"
#define EXEC "*1\r\n$4\r\nEXEC\r\n"

static struct heard heard;
static struct hooks *hooks;
static struct commit *cm;

static void begin(int scope)
{
    heard = (struct heard){0};
    hooks = hooks_new();
    if (scope)
        hooks_on_commit(hooks, (enum commit_scope)scope, hear, &heard);
    cm = commit_new(hooks);
}

static void end(void)
{
    commit_free(cm);
    hooks_free(hooks);
    buf_free(&heard.log);
    buf_free(&heard.replicas);
}

#define LOG_IS(want) CHECK_SLICE(buf_slice(&heard.log), SLICE_LIT(want))
#define REPLICAS_ARE(want) CHECK_SLICE(buf_slice(&heard.replicas), SLICE_LIT(want))

static void one_command(void)
{
    begin(TO_LOG);
    commit_end(cm, 1, true); /* nothing: no batch */
    CHECK_INT(heard.batches, 0);
    commit_add(cm, TO_ALL, 0, 3, set);
    commit_end(cm, 1, true);
    LOG_IS(SELECT("0") SET);
    CHECK_INT(heard.position, heard.log.len);
    commit_add(cm, TO_ALL, 0, 2, del); /* the database is known now */
    commit_end(cm, 2, true);
    LOG_IS(SELECT("0") SET DEL);
    CHECK_INT(heard.position, heard.log.len);
    CHECK_INT(commit_position(cm), heard.log.len);
    CHECK_INT(heard.batches, 2);
    CHECK_INT(heard.replicas.len, 0); /* nobody listens to that stream: it is not made */
    end();
}

static void several_are_wrapped(void)
{
    begin(TO_LOG);
    commit_add(cm, TO_ALL, 3, 3, set);
    commit_add(cm, TO_ALL, 4, 2, del);
    commit_add(cm, TO_ALL, 4, 2, del);
    commit_end(cm, 1, true);
    LOG_IS(MULTI SELECT("3") SET SELECT("4") DEL DEL EXEC);
    CHECK_INT(heard.log_commands, 3);
    CHECK_INT(heard.position, heard.log.len);
    commit_add(cm, TO_ALL, 4, 2, del);
    commit_add(cm, TO_ALL, 4, 2, del);
    commit_end(cm, 1, false);
    LOG_IS(MULTI SELECT("3") SET SELECT("4") DEL DEL EXEC DEL DEL);
    CHECK_INT(heard.position, heard.log.len);
    end();
}

static void reselect(void)
{
    begin(TO_ALL);
    commit_add(cm, TO_ALL, 1, 2, del);
    commit_end(cm, 1, true);
    commit_reselect(cm); /* of both: they stay the same bytes */
    commit_add(cm, TO_ALL, 1, 2, del);
    commit_end(cm, 1, true);
    LOG_IS(SELECT("1") DEL SELECT("1") DEL);
    CHECK(heard.same);
    CHECK_INT(heard.position, heard.log.len);
    commit_add(cm, TO_ALL, 1, 2, del);
    commit_end(cm, 1, true);
    LOG_IS(SELECT("1") DEL SELECT("1") DEL DEL);
    REPLICAS_ARE(SELECT("1") DEL SELECT("1") DEL DEL);
    end();
}

/* What only one of them got may have selected another database there. */
static void alike_again(void)
{
    begin(TO_ALL);
    commit_add(cm, TO_ALL, 0, 2, del);
    commit_end(cm, 1, true);
    commit_add(cm, TO_REPLICAS_NEWS, 3, 2, del);
    commit_end(cm, 1, true);
    CHECK(!heard.apart);
    commit_add(cm, TO_ALL, 3, 3, set);
    commit_end(cm, 1, true);
    CHECK(heard.same && !heard.apart);
    LOG_IS(SELECT("0") DEL SELECT("3") SET);
    REPLICAS_ARE(SELECT("0") DEL SELECT("3") DEL SELECT("3") SET);
    commit_add(cm, TO_ALL, 3, 2, del);
    commit_add(cm, TO_LOG, 3, 2, del);
    commit_end(cm, 1, true);
    CHECK(heard.apart);
    commit_add(cm, TO_REPLICAS, 3, 2, del);
    commit_end(cm, 1, true);
    CHECK(heard.apart);
    commit_add(cm, TO_ALL, 3, 2, del);
    commit_end(cm, 1, true);
    CHECK(heard.same && !heard.apart);
    end();
}

static void nobody_listens(void)
{
    begin(0);
    commit_add(cm, TO_ALL, 1, 2, del);
    commit_end(cm, 1, true);
    CHECK_INT(commit_position(cm), 0);
    hooks_on_commit(hooks, TO_LOG, hear, &heard); /* whoever comes later is told the database */
    commit_add(cm, TO_ALL, 1, 2, del);
    commit_end(cm, 1, true);
    LOG_IS(SELECT("1") DEL);
    hooks_off_commit(hooks, &heard);
    commit_add(cm, TO_ALL, 1, 2, del);
    commit_end(cm, 1, true);
    CHECK_INT(heard.batches, 1);
    end();
}

/* A unit for one stream alone: the other hears nothing, and no SELECT counts for both. */
static void one_stream_only(void)
{
    begin(TO_ALL);
    commit_add(cm, TO_REPLICAS, 2, 2, del);
    commit_end(cm, 1, true);
    CHECK_INT(heard.log.len, 0);
    REPLICAS_ARE(SELECT("2") DEL);
    CHECK_INT(heard.log_commands, 0);
    CHECK_INT(heard.replica_commands, 1);
    CHECK_INT(commit_position(cm), 0); /* nothing to wait for */
    commit_add(cm, TO_ALL, 2, 3, set);
    commit_end(cm, 1, true);
    LOG_IS(SELECT("2") SET);
    REPLICAS_ARE(SELECT("2") DEL SELECT("2") SET);
    CHECK_INT(commit_position(cm), heard.log.len);
    commit_add(cm, TO_LOG, 2, 2, del);
    commit_end(cm, 1, true);
    REPLICAS_ARE(SELECT("2") DEL SELECT("2") SET);
    LOG_IS(SELECT("2") SET DEL);
    CHECK_INT(commit_position(cm), heard.log.len);
    end();
}

/* Commands for both and for one in the same unit, in every order: each stream has its own in the
 * order they came, wrapped when it is more than one there. */
static void mixed_units(void)
{
    begin(TO_ALL);
    commit_add(cm, TO_ALL, 0, 3, set);
    commit_add(cm, TO_REPLICAS, 0, 2, del);
    commit_add(cm, TO_ALL, 0, 3, set);
    commit_end(cm, 1, true);
    LOG_IS(MULTI SELECT("0") SET SET EXEC);
    REPLICAS_ARE(MULTI SELECT("0") SET DEL SET EXEC);
    CHECK_INT(heard.log_commands, 2);
    CHECK_INT(heard.replica_commands, 3);
    buf_clear(&heard.log);
    buf_clear(&heard.replicas);
    commit_add(cm, TO_ALL, 0, 3, set);
    commit_add(cm, TO_LOG, 1, 2, del);
    commit_end(cm, 1, true);
    LOG_IS(MULTI SET SELECT("1") DEL EXEC);
    REPLICAS_ARE(SET);
    commit_add(cm, TO_ALL, 1, 3, set); /* only one of them is in 1 */
    commit_end(cm, 1, true);
    LOG_IS(MULTI SET SELECT("1") DEL EXEC SELECT("1") SET);
    REPLICAS_ARE(SET SELECT("1") SET);
    buf_clear(&heard.log);
    buf_clear(&heard.replicas);
    commit_add(cm, TO_REPLICAS, 1, 2, del);
    commit_add(cm, TO_ALL, 1, 3, set);
    commit_end(cm, 1, false);
    LOG_IS(SET);
    REPLICAS_ARE(DEL SET);
    end();
}

/* Each listener hears of batches that hold something for it. */
static void listeners_of_one_stream(void)
{
    struct heard replicas = {0};
    begin(TO_LOG);
    hooks_on_commit(hooks, TO_REPLICAS, hear, &replicas);
    commit_add(cm, TO_REPLICAS, 0, 2, del);
    commit_end(cm, 1, true);
    CHECK_INT(heard.batches, 0);
    CHECK_INT(replicas.batches, 1);
    commit_add(cm, TO_LOG, 0, 2, del);
    commit_end(cm, 1, true);
    CHECK_INT(heard.batches, 1);
    CHECK_INT(replicas.batches, 1);
    commit_add(cm, TO_ALL, 0, 2, del);
    commit_end(cm, 1, true);
    CHECK_INT(heard.batches, 2);
    CHECK_INT(replicas.batches, 2);
    uint64_t logged = commit_position(cm);
    hooks_off_commit(hooks, &heard); /* without a log the other stream is what there is to count */
    commit_add(cm, TO_LOG, 0, 2, del);
    commit_add(cm, TO_ALL, 0, 3, set);
    commit_end(cm, 1, true);
    CHECK_INT(replicas.batches, 3);
    CHECK_INT(replicas.replica_commands, 1);
    CHECK_INT(commit_position(cm), logged + sizeof SET - 1);
    buf_free(&replicas.log);
    buf_free(&replicas.replicas);
    end();
}

/* The log ends, or begins, in the middle of a unit, which replicas get whole. */
static void log_in_mid_unit(void)
{
    struct heard replicas = {0};
    begin(TO_LOG);
    hooks_on_commit(hooks, TO_REPLICAS, hear, &replicas);
    commit_add(cm, TO_ALL, 0, 3, set);
    commit_add(cm, TO_ALL, 0, 2, del);
    commit_end_log(cm, 1);
    LOG_IS(MULTI SELECT("0") SET DEL EXEC);
    CHECK_INT(replicas.batches, 0);
    hooks_off_commit(hooks, &heard);
    uint64_t off = commit_position(cm);
    CHECK_INT(off, heard.position);
    commit_add(cm, TO_ALL, 0, 3, set);
    commit_end_log(cm, 1); /* nothing there */
    hooks_on_commit(hooks, TO_LOG, hear, &heard);
    commit_reselect(cm);
    commit_add(cm, TO_ALL, 0, 2, del);
    commit_end(cm, 1, true);
    LOG_IS(MULTI SELECT("0") SET DEL EXEC SELECT("0") DEL);
    CHECK_SLICE(buf_slice(&replicas.replicas),
                SLICE_LIT(MULTI SELECT("0") SET DEL SET DEL EXEC));
    CHECK_INT(replicas.batches, 1);
    CHECK(commit_position(cm) > off);
    buf_free(&replicas.log);
    buf_free(&replicas.replicas);
    end();
}

int main(void)
{
    return UNIT_RUN(UNIT(one_command), UNIT(several_are_wrapped), UNIT(reselect),
                    UNIT(alike_again), UNIT(nobody_listens), UNIT(one_stream_only),
                    UNIT(mixed_units), UNIT(listeners_of_one_stream), UNIT(log_in_mid_unit));
}
