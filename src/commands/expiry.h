/* SPDX-License-Identifier: BSD-3-Clause */
/* Expiry arguments, shared by SET, GETEX, SETEX and the EXPIRE family: one reading, one check, one
 * way of logging. */
#ifndef COMMANDS_EXPIRY_H
#define COMMANDS_EXPIRY_H

#include <stdbool.h>
#include <stdint.h>

#include "server/ctx.h"

struct expiry_arg {
    bool given;
    bool seconds;  /* else milliseconds */
    bool absolute; /* unix time, else from now */
    int at;        /* which argument holds the number */
};

/* EX, PX, EXAT or PXAT at argument *i, with a value behind it: fills x and moves *i onto the value.
 */
bool expiry_option(const struct ctx *c, int *i, struct expiry_arg *x);
/* The absolute time in ms. False after replying: not an integer, not positive, or too far away. */
bool expiry_resolve(struct ctx *c, const struct expiry_arg *x, int64_t *expire_ms);
/* Turns n (seconds or ms, absolute or from now) into absolute ms; false on overflow. */
bool expiry_time(int64_t n, bool seconds, bool absolute, int64_t now_ms, int64_t *expire_ms);
/* Gives the key the expiry, or removes it when that lies in the past; logs PEXPIREAT or DEL. */
void expiry_set(struct ctx *c, struct slice key, struct entry *e, int64_t expire_ms);

#endif
