/* SPDX-License-Identifier: BSD-3-Clause */
/* A bar with rate and time left on stderr: when that is a terminal and the work has taken a second,
 * or from the start with --progress (there also a line a second where it is no terminal).
 *
 *   progress_bar_begin(&t->progress, "check", total_bytes);   0: unknown
 *   progress_bar_at(&t->progress, bytes);                     cheap; from one thread
 *   progress_bar_end(&t->progress);                           the bar is gone */
#ifndef TOOLS_PROGRESS_BAR_H
#define TOOLS_PROGRESS_BAR_H

#include <stdbool.h>
#include <stdint.h>

struct progress_bar {
    bool never, always; /* --quiet; --progress */
    bool terminal, shown, on;
    const char *doing;
    uint64_t total, done, next; /* next: nothing to do below */
    int64_t begun_ms, told_ms;
};

void progress_bar_init(struct progress_bar *p, bool always, bool never);
void progress_bar_begin(struct progress_bar *p, const char *doing, uint64_t total);
void progress_bar_tell(struct progress_bar *p, uint64_t done);
static inline void progress_bar_at(struct progress_bar *p, uint64_t done)
{
    if (p->on && done >= p->next)
        progress_bar_tell(p, done);
}
void progress_bar_end(struct progress_bar *p);

#endif
