/* SPDX-License-Identifier: BSD-3-Clause */
/* The geo commands: handlers, named cmd_ and the command, their table, and what they share. */
#ifndef COMMANDS_CMD_GEO_H
#define COMMANDS_CMD_GEO_H

#include "base/geohash.h"
#include "server/command.h"

extern const struct command cmd_geo_commands[];

void cmd_geoadd(struct ctx *c);
void cmd_geodist(struct ctx *c);
void cmd_geohash(struct ctx *c);
void cmd_geopos(struct ctx *c);
void cmd_georadius(struct ctx *c);
void cmd_georadius_ro(struct ctx *c);
void cmd_georadiusbymember(struct ctx *c);
void cmd_georadiusbymember_ro(struct ctx *c);
void cmd_geosearch(struct ctx *c);
void cmd_geosearchstore(struct ctx *c);
/* Also of GEORADIUSBYMEMBER. */
int cmd_georadius_keys(int argc, const struct slice *argv, int *at, int max);

/* Arguments i and i + 1. False after an error. */
bool geo_arg_point(struct ctx *c, int i, struct geohash_point *p);
bool geo_arg_unit(struct ctx *c, int i, double *meters);
/* Four digits behind the point. */
void geo_reply_distance(struct ctx *c, double distance);
void geo_reply_point(struct ctx *c, struct geohash_point p);

#endif
