/* SPDX-License-Identifier: BSD-3-Clause */
/* Large arguments of a command, each read into a block of the kind a string value is kept in. A
 * string that is set to the very text of one takes the block over instead of copying it.
 *
 * What was taken and is let go again while the command is still on (MSET of one key twice) comes
 * back: its text must stand until the command has been logged. */
#ifndef STORE_OFFER_H
#define STORE_OFFER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

struct str;

/* Shorter texts are never offered, so they need not be looked for. */
enum { OFFER_MIN = 256 * 1024 };

struct offer {
    struct offered {
        struct str *block;
        bool taken;
    } *items;
    unsigned count, cap;
};

void offer_add(struct offer *o, struct str *block);
/* Frees what was not taken; the offer is empty then. */
void offer_free(struct offer *o);
size_t offer_memory(const struct offer *o); /* what was not taken */
bool offer_has(const struct offer *o, struct slice text);
/* The block of that very text, the caller's from now on; NULL: there is none. */
struct str *offer_take(struct offer *o, struct slice text);
/* True when the block was taken from here: it is not the caller's any more. */
bool offer_give_back(struct offer *o, const struct str *block);

#endif
