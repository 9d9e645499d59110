/* SPDX-License-Identifier: BSD-3-Clause */
/* Words of DEBUG for tests of replication: CHANGE-REPL-ID. */
#ifndef REPLICATION_REPL_DEBUG_H
#define REPLICATION_REPL_DEBUG_H

struct repl;

void repl_debug_words(struct repl *r);

#endif
