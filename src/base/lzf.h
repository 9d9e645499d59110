/* SPDX-License-Identifier: BSD-3-Clause */
/* LZF compression (the string compression of RDB). No allocation. */
#ifndef BASE_LZF_H
#define BASE_LZF_H

#include <stdbool.h>
#include <stddef.h>

/* Compressed size, or 0 when in does not fit into out_size bytes when compressed. Gives up early on
 * a long incompressible start. By liblzf, so that the bytes are those of other servers: where
 * somebody compares them (DUMP). */
size_t lzf_pack(const void *in, size_t in_len, void *out, size_t out_size);
/* The same in two thirds of the time, and with 2 % more bytes: for files. */
size_t lzf_pack_quick(const void *in, size_t in_len, void *out, size_t out_size);
/* True when in decodes to exactly out_len bytes, using all of in. Safe on any input. */
bool lzf_unpack(const void *in, size_t in_len, void *out, size_t out_len);

#endif
