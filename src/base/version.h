/* SPDX-License-Identifier: BSD-3-Clause */
/* The release whose protocol, files and options the program speaks; clients and tools decide by it.
 */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#define REDIS_VERSION "7.2.4"

#endif
