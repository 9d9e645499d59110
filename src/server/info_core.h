/* SPDX-License-Identifier: BSD-3-Clause */
/* The sections of INFO that the core fills. */
#ifndef SERVER_INFO_CORE_H
#define SERVER_INFO_CORE_H

struct server;
void info_core_register(struct server *s);

#endif
