/* SPDX-License-Identifier: BSD-3-Clause */
/* reserve-file-size: a file that holds nothing, kept so that a full disk is not the end. When a
 * save, the log or a manifest meets ENOSPC the file is given up; what failed is tried again soon
 * and has that much room. It is made again once at least twice its size is free. */
#ifndef PERSIST_RESERVE_H
#define PERSIST_RESERVE_H

#include <stdbool.h>
#include <stdint.h>

struct info_out;
struct persist;
struct reserve; /* opaque */

struct reserve *reserve_new(struct persist *p);
void reserve_free(struct reserve *r);
/* The data set is loaded: from now on it is kept as configured. */
void reserve_start(struct reserve *r);
/* Something that writes failed with errno err. True: there is room now that was not there. */
bool reserve_give_up(struct reserve *r, int err);
void reserve_tick(struct reserve *r, int64_t mono_ms);
void reserve_info(const struct reserve *r, struct info_out *o);

#endif
