/* SPDX-License-Identifier: BSD-3-Clause */
#include "persist/sync_choice.h"

#include "base/must.h"

/* A window that took so much longer than it should was mostly idle: it says nothing. */
enum { IDLE_US = 2000000 };

static void choice_must_hold(const struct sync_choice *c)
{
    must(c->rest <= c->rest_length && c->rest_length <= SYNC_REST_MAX);
    must(c->trying || c->worker == c->chosen);
    must(!c->trying || (c->group && c->rest == 0));
    must(!c->trying || c->trial < SYNC_TRIAL_WINDOWS);
}

static void begin_window(struct sync_choice *c, int64_t now_us, uint64_t commands)
{
    c->window_us = now_us;
    c->window_commands = commands;
    c->window_syncs = 0;
}

static void begin_rest(struct sync_choice *c, unsigned length)
{
    c->trying = false;
    c->worker = c->chosen;
    length = length > SYNC_REST_FIRST ? length : SYNC_REST_FIRST;
    c->rest_length = length < SYNC_REST_MAX ? length : SYNC_REST_MAX;
    c->rest = c->rest_length;
}

static void begin_trial(struct sync_choice *c)
{
    must(!c->trying && c->rest == 0);
    c->trying = true;
    c->trial = 0;
    c->chosen_sum = c->other_sum = 0;
    c->worker = !c->chosen;
}

static void end_trial(struct sync_choice *c)
{
    must(c->trying && c->trial == SYNC_TRIAL_WINDOWS);
    if (c->other_sum * 100 > c->chosen_sum * (100 + SYNC_BETTER_PERCENT)) {
        c->chosen = !c->chosen;
        begin_rest(c, SYNC_REST_FIRST);
    } else {
        begin_rest(c, c->rest_length * 2);
    }
}

static void window_over(struct sync_choice *c, double rate)
{
    if (!c->group) {
        c->chosen = false;
        begin_rest(c, SYNC_REST_FIRST);
        c->rest = 1; /* a group that comes is looked at soon */
    } else if (!c->trying) {
        if (c->rest)
            c->rest--;
        else
            begin_trial(c);
    } else {
        if (c->worker == c->chosen)
            c->chosen_sum += rate;
        else
            c->other_sum += rate;
        c->worker = !c->worker;
        if (++c->trial == SYNC_TRIAL_WINDOWS)
            end_trial(c);
    }
}

void sync_choice_note(struct sync_choice *c, int64_t now_us, uint64_t commands)
{
    int64_t took_us = now_us - c->window_us;
    if (!c->window_us || took_us < 0 || took_us > IDLE_US || commands < c->window_commands) {
        begin_window(c, now_us, commands);
        return;
    }
    c->window_syncs++;
    if (took_us < SYNC_WINDOW_US)
        return;
    uint64_t done = commands - c->window_commands;
    c->group = done >= SYNC_CHOICE_GROUP * c->window_syncs;
    window_over(c, (double)done / (double)took_us);
    begin_window(c, now_us, commands);
    choice_must_hold(c);
}
