/* SPDX-License-Identifier: BSD-3-Clause */
/* The options that are known but do not act yet. Registered first; others take their places. */
#ifndef SERVER_CONFIG_LATER_H
#define SERVER_CONFIG_LATER_H

#include "server/config.h"

struct config_later; /* opaque */
struct config_later *config_later_new(struct config *cfg);
void config_later_free(struct config_later *l, struct config *cfg);

#endif
