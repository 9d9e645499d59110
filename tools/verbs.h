/* SPDX-License-Identifier: BSD-3-Clause */
/* Each verb's description, of its own file. */
#ifndef TOOLS_VERBS_H
#define TOOLS_VERBS_H

#include "tools/tool.h"

extern const struct verb *const tool_verbs[]; /* in the order in which help shows them; NULL ends */

extern const struct verb verb_check, verb_salvage, verb_fix, verb_points, verb_restore, verb_dump,
    verb_who, verb_stats, verb_diff, verb_convert, verb_report, verb_anonymise, verb_backup;

#endif
