/* SPDX-License-Identifier: BSD-3-Clause */
/* What people read about the verbs, made from their tables: help, man pages, completion for bash.
 *
 *   holdfast help            all verbs          holdfast help --man        holdfast(1)
 *   holdfast help VERB       one of them        holdfast help --man VERB   holdfast-VERB(1)
 *   holdfast help --completion                  what bash sources */
#ifndef TOOLS_TOOL_HELP_H
#define TOOLS_TOOL_HELP_H

#include <stdio.h>

struct verb;

void tool_help_all(FILE *to, const struct verb *const *verbs);
void tool_help(FILE *to, const struct verb *verb);
void tool_man(FILE *to, const struct verb *verb, const struct verb *const *verbs); /* NULL: all */
void tool_completion(FILE *to, const struct verb *const *verbs);

#endif
