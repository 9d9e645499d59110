/* SPDX-License-Identifier: BSD-3-Clause */
/* Prefixes that somebody wants to hear of, and the keys under each that changed since those were
 * last told (CLIENT TRACKING BCAST). A member is a pointer of the caller's, with a list of its
 * prefixes.
 *
 * Costs: a change is a walk down the prefixes of its key, and a copy of the key for each that
 * somebody listens to; telling is O(keys), and an encoding for all members but for those that hear
 * nothing of their own changes. */
#ifndef SERVER_TRACKED_PREFIXES_H
#define SERVER_TRACKED_PREFIXES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/link.h"
#include "base/slice.h"

struct prefixes; /* opaque */

struct prefixes *prefixes_new(void);
void prefixes_free(struct prefixes *ps); /* nobody is a member any more */
size_t prefixes_count(const struct prefixes *ps);
/* mine: the list of the member's prefixes, as they came. It must not be one of them yet. Returns
 * the bytes that it takes, as if it were the only member. */
size_t prefixes_join(struct prefixes *ps, struct slice prefix, struct link *mine, void *member);
void prefixes_leave_all(struct prefixes *ps, struct link *mine);
typedef void prefixes_visit(void *arg, struct slice prefix);
void prefixes_each(const struct link *mine, prefixes_visit *visit, void *arg);

/* by: whose change it is, for who wants to hear nothing of his own; 0: nobody's. */
void prefixes_changed(struct prefixes *ps, struct slice key, uint64_t by);
/* Each member is told, for each prefix, of its changed keys, as an encoded array; they are
 * forgotten then. except: whose changes the member is not told of; 0: it is told of all. tell may
 * neither join nor leave. */
typedef void prefixes_tell_one(void *arg, void *member, struct slice encoded);
typedef uint64_t prefixes_except(const void *member);
void prefixes_tell(struct prefixes *ps, prefixes_except *except, prefixes_tell_one *tell,
                   void *arg);

#endif
