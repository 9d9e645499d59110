/* SPDX-License-Identifier: BSD-3-Clause */
/* A report as lines and rows (say.h). */
#ifndef TOOLS_REPORT_SAY_H
#define TOOLS_REPORT_SAY_H

#include "tools/report_collect.h"
#include "tools/tool.h"

/* before: NULL, or what it has grown from. top: rows of what has grown; prefixes: of those. */
void report_say(struct tool *t, const struct report *r, const struct report *before, size_t top,
                size_t prefixes);

/* ---- growth, for whoever shows it ---- */
struct report_growth {
    const char *what;  /* "all", "type", "prefix" */
    struct slice name;
    uint64_t keys_from, keys_to, memory_from, memory_to;
};
typedef void report_grown(void *arg, const struct report_growth *g);
/* Only what is not the same; of prefixes the n that memory changed most for. */
void report_growth_each(const struct report *before, const struct report *now, size_t n,
                        report_grown *tell, void *arg);

#endif
