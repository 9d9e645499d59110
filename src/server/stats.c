/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/stats.h"

#include <string.h>

#include "base/mem.h"
#include "base/must.h"

struct stats *stats_new(void)
{
    return mem_zalloc(sizeof(struct stats));
}

void stats_free(struct stats *st)
{
    mem_free(st);
}

void stats_reset(struct stats *st)
{
    uint64_t peak = st->peak_memory;
    int64_t peak_time_s = st->peak_time_s;
    memset(st, 0, sizeof *st);
    st->peak_memory = peak;
    st->peak_time_s = peak_time_s;
}

/* Ours, and those of clusters and replicas. */
static bool is_own_code(const char *code)
{
    static const char *const own[] = {
        "ASK", "BUSY", "BUSYGROUP", "BUSYKEY", "CLUSTERDOWN", "CROSSSLOT", "DENIED", "ERR",
        "EXECABORT", "INPROG", "INVALIDOBJ", "IOERR", "LOADING", "MASTERDOWN", "MISCONF", "MOVED",
        "NOAUTH", "NOGROUP", "NOMASTERLINK", "NOPERM", "NOPROTO", "NOREPLICAS", "NOSCRIPT",
        "NOTBUSY", "OOM", "READONLY", "TRYAGAIN", "UNBLOCKED", "UNKILLABLE", "WRONGPASS",
        "WRONGTYPE"};
    enum { OWN = sizeof own / sizeof *own };
    _Static_assert(OWN < STATS_ERROR_CODES - STATS_ERROR_MADE_UP, "room for each, and OTHER");
    size_t i = 0;
    while (i < OWN && strcmp(code, own[i]) != 0)
        i++;
    return i < OWN;
}

static struct stats_error *find_error(struct stats *st, const char *code)
{
    for (unsigned i = 0; i < st->error_kinds; i++)
        if (strcmp(st->errors[i].code, code) == 0)
            return &st->errors[i];
    return NULL;
}

/* Scripts and modules make up codes: past the room for those they share one. */
void stats_error(struct stats *st, struct slice text)
{
    char code[STATS_ERROR_CODE_MAX];
    size_t len = 0;
    st->error_replies++;
    while (len < text.len && len < sizeof code - 1 && !strchr(" \r\n", text.data[len])) {
        char c = text.data[len]; /* what would look like another field of INFO does not */
        code[len++] = c == ':' || c == '#' ? '_' : c;
    }
    code[len] = '\0';
    if (len == text.len) /* one word: it has no code */
        strcpy(code, "ERR");
    struct stats_error *e = find_error(st, code);
    if (!e && !is_own_code(code)) {
        if (st->error_made_up == STATS_ERROR_MADE_UP)
            strcpy(code, "OTHER");
        else
            st->error_made_up++;
        e = find_error(st, code);
    }
    if (!e) {
        must(st->error_kinds < STATS_ERROR_CODES);
        e = &st->errors[st->error_kinds++];
        strcpy(e->code, code);
        e->count = 0;
    }
    e->count++;
}

void stats_rate_sample(struct stats_rate *r, uint64_t count, int64_t now_us)
{
    int64_t passed = now_us - r->last_us;
    must(r->at < RATE_SAMPLES);
    if (r->last_us && passed > 0 && count >= r->last_count) {
        r->samples[r->at] = (count - r->last_count) * 1000000 / (uint64_t)passed;
        r->at = (r->at + 1) % RATE_SAMPLES;
    }
    r->last_us = now_us;
    r->last_count = count;
}

uint64_t stats_rate(const struct stats_rate *r)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < RATE_SAMPLES; i++)
        sum += r->samples[i];
    return sum / RATE_SAMPLES;
}

/* ---- latency ---- */
enum { STEPS = 16, POWERS = 40 };
struct latency {
    uint64_t count;
    uint32_t steps[POWERS * STEPS];
};

/* Values below 16 have a step of their own; above, the four bits behind the leading one decide. */
static unsigned step_of(uint64_t us)
{
    if (us < STEPS)
        return (unsigned)us;
    unsigned power = 63 - (unsigned)__builtin_clzll(us);
    unsigned step = (power - 3) * STEPS + (unsigned)(us >> (power - 4) & (STEPS - 1));
    return step < POWERS * STEPS ? step : POWERS * STEPS - 1;
}

/* The largest value of a step. */
static uint64_t step_end(unsigned step)
{
    must(step < POWERS * STEPS);
    if (step < STEPS)
        return step;
    unsigned power = step / STEPS + 3;
    return ((uint64_t)(STEPS + step % STEPS) << (power - 4)) + (1ull << (power - 4)) - 1;
}

void latency_add(struct latency **l, uint64_t us)
{
    if (__builtin_expect(!*l, 0))
        *l = mem_zalloc(sizeof **l);
    (*l)->count++;
    (*l)->steps[step_of(us)]++;
}

uint64_t latency_percentile(const struct latency *l, double percent)
{
    if (!l || !l->count)
        return 0;
    uint64_t want = (uint64_t)((double)l->count * percent / 100 + 0.5), seen = 0;
    for (unsigned i = 0; i < POWERS * STEPS; i++) {
        seen += l->steps[i];
        if (seen && seen >= want)
            return step_end(i);
    }
    return step_end(POWERS * STEPS - 1);
}

uint64_t latency_count(const struct latency *l)
{
    return l ? l->count : 0;
}

uint64_t latency_up_to(const struct latency *l, uint64_t us)
{
    uint64_t seen = 0;
    for (unsigned i = 0; l && i <= step_of(us); i++)
        seen += l->steps[i];
    return seen;
}

void latency_free(struct latency *l)
{
    mem_free(l);
}
