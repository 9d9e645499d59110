/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/buf.h"
#include "server/commit.h"
#include "server/hooks.h"
#include "tests/unit/unit.h"

struct heard {
    struct buf bytes;
    uint64_t position;
    int batches;
    unsigned commands;
};

static void hear(void *arg, const struct commit_batch *batch)
{
    struct heard *h = arg;
    buf_add(&h->bytes, batch->bytes);
    h->position = batch->position;
    h->commands = batch->commands;
    h->batches++;
}

static const struct slice set[] = {SLICE_LIT("SET"), SLICE_LIT("k"), SLICE_LIT("a\r\nb")};
static const struct slice del[] = {SLICE_LIT("DEL"), SLICE_LIT("k")};
#define SELECT(n) "*2\r\n$6\r\nSELECT\r\n$1\r\n" n "\r\n"
#define SET "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$4\r\na\r\nb\r\n"
#define DEL "*2\r\n$3\r\nDEL\r\n$1\r\nk\r\n"

static struct heard heard;
static struct hooks *hooks;
static struct commit *cm;

static void begin(bool listen)
{
    heard = (struct heard){0};
    hooks = hooks_new();
    if (listen)
        hooks_on_commit(hooks, hear, &heard);
    cm = commit_new(hooks);
}

static void end(void)
{
    commit_free(cm);
    hooks_free(hooks);
    buf_free(&heard.bytes);
}

static void one_command(void)
{
    begin(true);
    commit_end(cm, 1); /* nothing: no batch */
    CHECK_INT(heard.batches, 0);
    commit_add(cm, 0, 3, set);
    commit_end(cm, 1);
    CHECK_SLICE(buf_slice(&heard.bytes), SLICE_LIT(SELECT("0") SET));
    CHECK_INT(heard.position, heard.bytes.len);
    commit_add(cm, 0, 2, del); /* the database is known now */
    commit_end(cm, 2);
    CHECK_SLICE(buf_slice(&heard.bytes), SLICE_LIT(SELECT("0") SET DEL));
    CHECK_INT(heard.position, heard.bytes.len);
    CHECK_INT(commit_position(cm), heard.bytes.len);
    CHECK_INT(heard.batches, 2);
    end();
}

static void several_are_wrapped(void)
{
    begin(true);
    commit_add(cm, 3, 3, set);
    commit_add(cm, 4, 2, del);
    commit_add(cm, 4, 2, del);
    commit_end(cm, 1);
    CHECK_SLICE(buf_slice(&heard.bytes),
                SLICE_LIT("*1\r\n$5\r\nMULTI\r\n" SELECT("3") SET SELECT("4") DEL DEL
                          "*1\r\n$4\r\nEXEC\r\n"));
    CHECK_INT(heard.commands, 3);
    CHECK_INT(heard.position, heard.bytes.len);
    end();
}

static void reselect_and_position(void)
{
    begin(true);
    commit_set_position(cm, 1000);
    commit_add(cm, 1, 2, del);
    commit_end(cm, 1);
    commit_reselect(cm);
    commit_add(cm, 1, 2, del);
    commit_end(cm, 1);
    CHECK_SLICE(buf_slice(&heard.bytes), SLICE_LIT(SELECT("1") DEL SELECT("1") DEL));
    CHECK_INT(heard.position, 1000 + heard.bytes.len);
    end();
}

static void nobody_listens(void)
{
    begin(false);
    commit_add(cm, 1, 2, del);
    commit_end(cm, 1);
    CHECK_INT(commit_position(cm), 0);
    hooks_on_commit(hooks, hear, &heard); /* whoever comes later is told the database */
    commit_add(cm, 1, 2, del);
    commit_end(cm, 1);
    CHECK_SLICE(buf_slice(&heard.bytes), SLICE_LIT(SELECT("1") DEL));
    hooks_off_commit(hooks, &heard);
    commit_add(cm, 1, 2, del);
    commit_end(cm, 1);
    CHECK_INT(heard.batches, 1);
    end();
}

int main(void)
{
    return UNIT_RUN(UNIT(one_command), UNIT(several_are_wrapped), UNIT(reselect_and_position),
                    UNIT(nobody_listens));
}
