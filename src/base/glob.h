/* SPDX-License-Identifier: BSD-3-Clause */
/* Glob patterns of KEYS, SCAN MATCH, CONFIG GET, PSUBSCRIBE: * ? [abc] [^abc] [a-z] and \x.
 *
 *   struct glob g;
 *   glob_init(&g, pattern, false);
 *   ... glob_matches(&g, text) ... many times; the pattern may be gone by then
 *   glob_free(&g);
 *
 * An empty text fits the empty pattern alone, no star, as in Redis; KEYS, SCAN MATCH and ACL rules
 * make an exception of "*".
 *
 * Cost: a match at most tokens of the pattern x bytes of the text, whatever stands in its classes;
 * nested stars do not go exponential. Memory: up to 24 bytes a byte of a long pattern. */
#ifndef BASE_GLOB_H
#define BASE_GLOB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct glob_token {
    uint8_t kind, byte;
    uint32_t class_index;
};
struct glob_class { /* a bit for each byte it takes */
    uint64_t takes[4];
};

enum { GLOB_INLINE_TOKENS = 32, GLOB_INLINE_CLASSES = 2 };
struct glob { /* private */
    struct glob_token *tokens, few_tokens[GLOB_INLINE_TOKENS];
    struct glob_class *classes, few_classes[GLOB_INLINE_CLASSES];
    size_t count, class_count, class_cap;
    bool nocase;
};

/* g points into itself: it stays where it is. */
void glob_init(struct glob *g, struct slice pattern, bool nocase);
bool glob_matches(const struct glob *g, struct slice text);
void glob_free(struct glob *g);

/* One pattern for one text, nothing kept: cheap where they differ in front of the first character
 * that means something. */
bool glob_fits(struct slice pattern, struct slice text);

/* No character that means anything but itself: only the very same text matches. */
bool glob_is_plain(struct slice pattern);

#endif
