/* SPDX-License-Identifier: BSD-3-Clause */
/* Settings of the machine that make a server slow or its children fail, looked for.
 *
 *   for (const struct system_check *c = system_checks(); c->name; c++)
 *       if (c->look(&why) == SYSTEM_WARNING) puts(buf_cstr(&why));
 *
 * Names are those that Redis' --check-system shows. Cost: a file in /proc or /sys each; slow ones a
 * hundredth of a second. */
#ifndef OS_SYSTEM_CHECK_H
#define OS_SYSTEM_CHECK_H

#include <stdbool.h>

struct buf;

enum system_state { SYSTEM_OK, SYSTEM_WARNING, SYSTEM_UNKNOWN /* not on this system */ };

struct system_check {
    const char *name;
    enum system_state (*look)(struct buf *why); /* a warning adds what is the matter and helps */
    bool slow, about_huge_pages;
};

const struct system_check *system_checks(void); /* ended by a name of NULL */

#endif
