/* SPDX-License-Identifier: BSD-3-Clause */
/* The verbs there are, in the order in which help shows them. */
#include "tools/verbs.h"

const struct verb *const tool_verbs[] = {
    &verb_check,   &verb_salvage, &verb_fix,   &verb_points, &verb_restore,
    &verb_dump,    &verb_who,     &verb_stats, &verb_diff,   &verb_convert,
    &verb_report,  &verb_anonymise, &verb_backup, NULL};
