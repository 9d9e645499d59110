/* SPDX-License-Identifier: BSD-3-Clause */
/* Would a server load these libraries of functions, one behind the other? For who checks files,
 * without a server.
 *
 *   void *set = library_check_begin();
 *   ... library_check_take(set, code, &why) ...    false: why tells, as the server would
 *   library_check_end(set);
 *
 * Cost: that of running the code. */
#ifndef SCRIPTING_LIBRARY_CHECK_H
#define SCRIPTING_LIBRARY_CHECK_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/slice.h"

void *library_check_begin(void);
bool library_check_take(void *set, struct slice code, struct buf *why);
void library_check_end(void *set);

#endif
