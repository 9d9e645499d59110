/* SPDX-License-Identifier: BSD-3-Clause */
/* The Persistence section of INFO, and what its Memory section asks of the log. arg: struct
 * persist. */
#ifndef PERSIST_PERSIST_INFO_H
#define PERSIST_PERSIST_INFO_H

#include <stdint.h>

struct info_out;

void persist_info(void *arg, struct info_out *o);
uint64_t persist_log_buffer(const void *persist); /* bytes: mem_aof_buffer */

#endif
