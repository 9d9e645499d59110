/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/progress_bar.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/num.h"
#include "os/clock.h"

enum { STEP = 4 << 20, FIRST_MS = 1000, TERMINAL_MS = 100, LINE_MS = 1000, BAR = 24 };

void progress_bar_init(struct progress_bar *p, bool always, bool never)
{
    *p = (struct progress_bar){.always = always, .never = never, .terminal = isatty(STDERR_FILENO)};
}

void progress_bar_begin(struct progress_bar *p, const char *doing, uint64_t total)
{
    progress_bar_end(p);
    p->doing = doing;
    p->total = total;
    p->done = 0;
    p->next = STEP;
    p->begun_ms = clock_mono_us() / 1000;
    p->told_ms = p->begun_ms;
    p->on = !p->never && (p->always || p->terminal);
}

static void print_bar(const struct progress_bar *p, int64_t took_ms)
{
    char done[NUM_DOUBLE_TEXT], rate[NUM_DOUBLE_TEXT];
    uint64_t per_s = took_ms > 0 ? p->done * 1000 / (uint64_t)took_ms : 0;
    num_format_bytes(done, p->done);
    num_format_bytes(rate, per_s);
    if (!p->total) {
        fprintf(stderr, "%s: %s, %s/s", p->doing, done, rate);
        return;
    }
    uint64_t of = p->done < p->total ? p->done : p->total;
    int full = (int)((double)of / (double)p->total * BAR);
    uint64_t left_s = per_s ? (p->total - of) / per_s : 0;
    fprintf(stderr, "%s [%.*s%*s] %3d%%  %s/s  %" PRIu64 ":%02" PRIu64 " left", p->doing, full,
            "########################", BAR - full, "",
            (int)((double)of / (double)p->total * 100), rate, left_s / 60, left_s % 60);
}

void progress_bar_tell(struct progress_bar *p, uint64_t done)
{
    int64_t now = clock_mono_us() / 1000, took = now - p->begun_ms;
    p->done = done;
    p->next = done + STEP;
    if ((!p->always && took < FIRST_MS) || now - p->told_ms < (p->terminal ? TERMINAL_MS : LINE_MS))
        return;
    p->told_ms = now;
    p->shown = true;
    fputs(p->terminal ? "\r" : "", stderr);
    print_bar(p, took);
    fputs(p->terminal ? "\033[K" : "\n", stderr);
    fflush(stderr);
}

void progress_bar_end(struct progress_bar *p)
{
    if (p->shown && p->terminal)
        fputs("\r\033[K", stderr);
    p->shown = p->on = false;
}
