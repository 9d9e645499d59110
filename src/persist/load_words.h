/* SPDX-License-Identifier: BSD-3-Clause */
/* A data set that cannot be loaded, in the words that monitoring and runbooks look for in a log;
 * the fault itself, which says where and what, is told behind it by whoever ends the start.
 *
 *   if (!ok)
 *       load_words_rdb(path, f);
 */
#ifndef PERSIST_LOAD_WORDS_H
#define PERSIST_LOAD_WORDS_H

struct fault;

/* One warning, by what kind of fault it is; none for those the field has no words for. path: of the
 * dump file, or the part of the append log. */
void load_words_rdb(const char *path, const struct fault *f);
void load_words_log(const char *path, const struct fault *f);

#endif
