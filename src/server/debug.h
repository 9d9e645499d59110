/* SPDX-License-Identifier: BSD-3-Clause */
/* DEBUG's words, which their owners bring:
 *
 *   static const struct debug_word words[] = {
 *       {"sleep", 3, 3, debug_sleep, "SLEEP <seconds>", "    Stop the server for a while."}, {0}};
 *   debug_add(server_debug(s), words, owner);      ctx.arg is owner then
 *
 * HELP lists them by name. */
#ifndef SERVER_DEBUG_H
#define SERVER_DEBUG_H

struct ctx;
struct debug; /* opaque */

struct debug_word {
    const char *word;        /* lower case; NULL ends a table */
    int min_argc, max_argc;  /* DEBUG and the word are two */
    void (*run)(struct ctx *c);
    const char *form, *help; /* the two lines of HELP; NULL: it is not listed */
};

struct debug *debug_new(void);
void debug_free(struct debug *d);
/* The table must outlive d. A word may be added once. */
void debug_add(struct debug *d, const struct debug_word *table, void *arg);
/* DEBUG word ...: runs it, or replies the error. */
void debug_run(struct debug *d, struct ctx *c);

#endif
