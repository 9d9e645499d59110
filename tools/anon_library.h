/* SPDX-License-Identifier: BSD-3-Clause */
/* Scripts, and libraries of functions, as long as they were and without what they say. A library
 * keeps the engine of its first line; its name becomes a word, and it has one function of that
 * name when there is room, as a library without any is refused. Else, and for scripts, all is a
 * comment. */
#ifndef TOOLS_ANON_LIBRARY_H
#define TOOLS_ANON_LIBRARY_H

#include "tools/anon_map.h"

void anon_script(char *text, size_t n);
void anon_library(struct anon *a, char *text, size_t n);
/* The same for a compressed one: n bytes that become len. False: there is no such text; the bytes
 * are as they were. */
bool anon_library_lzf(struct anon *a, char *packed, size_t n, size_t len);

#endif
