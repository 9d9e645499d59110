/* SPDX-License-Identifier: BSD-3-Clause */
/* Glob patterns of KEYS, SCAN MATCH, CONFIG GET, PSUBSCRIBE: * ? [abc] [^abc] [a-z] and \x.
 * Runs in bounded time: nested stars do not go exponential. */
#ifndef BASE_GLOB_H
#define BASE_GLOB_H

#include <stdbool.h>

#include "base/slice.h"

bool glob_match(struct slice pattern, struct slice text, bool nocase);
/* No character that means anything but itself: only the very same text matches. */
bool glob_is_plain(struct slice pattern);

#endif
