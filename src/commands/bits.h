/* SPDX-License-Identifier: BSD-3-Clause */
/* What the commands on bits share. */
#ifndef COMMANDS_BITS_H
#define COMMANDS_BITS_H

#include "server/ctx.h"

/* A bit's offset: below 8 * proto-max-bulk-len; with field_bits also "#N", N fields further. False
 * after an error. */
bool bits_arg_offset(struct ctx *c, int i, unsigned field_bits, uint64_t *offset);
/* The key's string, of at least len bytes from now on, to be written. */
uint8_t *bits_open(struct ctx *c, struct slice key, size_t len);

#endif
