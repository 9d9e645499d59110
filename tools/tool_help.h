/* SPDX-License-Identifier: BSD-3-Clause */
/* What people read about the verbs, made from their tables: help, man pages, the completion of bash.
 *
 *   holdfast help            all verbs          holdfast help --man        holdfast(1)
 *   holdfast help VERB       one of them        holdfast help --man VERB   holdfast-VERB(1)
 *   holdfast help --completion                  what bash sources */
#ifndef TOOLS_TOOL_HELP_H
#define TOOLS_TOOL_HELP_H

#include <stdio.h>

#include "tools/tool.h"

void tool_help_all(FILE *to);
void tool_help(FILE *to, const struct verb *verb);
void tool_man(FILE *to, const struct verb *verb); /* NULL: of all */
void tool_completion(FILE *to);

#endif
