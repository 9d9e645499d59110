/* SPDX-License-Identifier: BSD-3-Clause */
/* The cluster's slot of a key: CRC-16 of the key modulo 16384. Of the key only what stands between
 * its first { and the } that follows next, where that is anything: keys with the same such tag
 * share a slot. (Redis cluster specification, "hash tags".) */
#ifndef STORE_KEY_SLOT_H
#define STORE_KEY_SLOT_H

#include "base/slice.h"

enum { KEY_SLOTS = 1 << 14 };

unsigned key_slot(struct slice key); /* < KEY_SLOTS */

#endif
