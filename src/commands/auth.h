/* SPDX-License-Identifier: BSD-3-Clause */
/* Proving who one is, for AUTH and HELLO. */
#ifndef COMMANDS_AUTH_H
#define COMMANDS_AUTH_H

#include <stdbool.h>

#include "base/slice.h"

struct ctx;
/* False: the error was replied. */
bool auth_try(struct ctx *c, struct slice user, struct slice password);

#endif
