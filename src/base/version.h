/* SPDX-License-Identifier: BSD-3-Clause */
/* What the program calls itself. REDIS_VERSION is the release whose protocol, files and options it
 * speaks; clients and tools decide by it. */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#define REDIS_VERSION "7.2.4"
#define HOLDFAST_VERSION "0.1.0"

#endif
