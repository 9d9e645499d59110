/* SPDX-License-Identifier: BSD-3-Clause */
/* What list commands do at once, and those of cmd_list_block.c when it can be done. cmd_list.c. */
#ifndef COMMANDS_LIST_OPS_H
#define COMMANDS_LIST_OPS_H

#include <stdbool.h>

#include "base/slice.h"

struct ctx;
struct entry;
struct pop_args;

/* Takes one element of the list that e holds, and replies it. */
void list_pop_one(struct ctx *c, struct slice key, struct entry *e, bool tail);
/* LMPOP's work. False: no key holds a list, and nothing was replied. */
bool list_pop_any(struct ctx *c, const struct pop_args *a);
/* From argv[1] to argv[2]. False: there is nothing to move, and nothing was replied. */
bool list_move(struct ctx *c, bool from_tail, bool to_tail);
/* argv[3] and argv[4]: LEFT or RIGHT. False after replying an error. */
bool list_ends_parse(struct ctx *c, bool *from_tail, bool *to_tail);

#endif
