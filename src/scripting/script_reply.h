/* SPDX-License-Identifier: BSD-3-Clause */
/* Replies and Lua values, both ways, as Redis 7.2 converts them.
 *
 *   reply                 Lua                            Lua                     reply
 *   integer               number                         number                  integer, cut
 *   bulk                  string                         string                  bulk
 *   status                {ok=}                          {ok=} {err=}            status, error
 *   error                 {err=}                         {double=} {map=} ...    as on the left
 *   array                 table from 1                   other table             array, to the
 *                                                                                first nil
 *   null, RESP2           false                          false, RESP2            null
 *   null, RESP3           nil                            nil                     null
 *   boolean               boolean                        boolean, RESP3          boolean
 *   double                {double=number}                true, RESP2             integer 1
 *   map, set              {map={}} {set={x=true}}        else                    null
 *   big number, verbatim  {big_number=}, {verbatim_string={format=, string=}}
 *
 * RESP2 and RESP3 are what the script chose for itself (redis.setresp); what its client speaks
 * decides how the reply to it is written. */
#ifndef SCRIPTING_SCRIPT_REPLY_H
#define SCRIPTING_SCRIPT_REPLY_H

#include <stdbool.h>

#include "base/slice.h"
#include "format/reply_read.h"
#include "scripting/lua51.h"

struct ctx;

/* In an error's table: who replies it need not count it, somebody did. */
#define SCRIPT_ERROR_COUNTED "ignore_error_stats_update"

/* Pushes the value of a whole reply of our own. reader: the caller's, zeroed at first; what it
 * holds is freed by reply_close, or by the next call. True when it is an error's table. May raise.
 */
bool script_push_reply(lua_State *L, struct reply_reader *reader, struct slice reply);
void script_push_error(lua_State *L, struct slice text, bool counted);
/* Replies the value on top of the stack, which stays. May raise: what was replied by then is not
 * whole, the caller drops it. resp: the script's. */
void script_reply(lua_State *L, struct ctx *c, int resp);

#endif
