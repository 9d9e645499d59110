/* SPDX-License-Identifier: BSD-3-Clause */
/* Words in quotes, as inline commands, configuration files, manifests and messages have them:
 * blanks separate words, '...' knows \' alone, "..." knows \n \r \t \b \a \xHH, and \c is c for any
 * other c. Whatever quote_put writes, quote_split reads back to the same bytes. */
#ifndef BASE_QUOTE_H
#define BASE_QUOTE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/slice.h"

enum { QUOTE_ESCAPE_MAX = 4 };

/* ---- writing ---- */

/* May the word stand without quotes? Printable ASCII, no blank, quote or backslash, not empty. */
bool quote_plain(struct slice word);
/* One character as it stands between double quotes: itself, \" and \\, else \xhh. The length. */
size_t quote_escape(unsigned char c, char out[QUOTE_ESCAPE_MAX]);
/* Appends the word in double quotes. named: \n \r \t \b \a in place of their \xhh. */
void quote_put(struct buf *to, struct slice word, bool named);

/* ---- reading ---- */

/* Copies the quoted text whose opening quote is at *at to *to and moves both behind it: never more
 * bytes than were read, so it may be done in place. False when the text does not end before end. */
bool quote_take(const char **at, const char *end, char **to);
/* Splits a line into words and undoes their quotes in place: the words are slices into line, which
 * is spoiled. The count; -1 when quotes do not close or something else than a blank follows them,
 * -2 for more than max words. A zero byte is a blank between words. */
int quote_split(char *line, size_t len, struct slice *words, int max);

#endif
