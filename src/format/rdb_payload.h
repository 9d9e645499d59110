/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads DUMP payloads: one value, or functions, and a footer with version and checksum. Every
 * function checks the footer first, and ends false with the reason in *f. The rules are those of
 * rdb_read.h; what is skipped in a file because it is empty is a fault here. */
#ifndef FORMAT_RDB_PAYLOAD_H
#define FORMAT_RDB_PAYLOAD_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/slice.h"
#include "format/rdb_reader.h"
#include "format/sink.h"

/* Footer: size, version known, CRC (always). */
bool rdb_payload_check(struct slice payload, int *version, struct fault *f);
/* Footer, then the one value as the body of the given key (name, db, expiry and so on are the
 * caller's; type and rdb_type are filled in) up to the exact end. An empty collection is a
 * fault. */
bool rdb_payload_read(struct slice payload, const struct key_event *key, struct sink *sink,
                      const struct rdb_options *opt, struct fault *f);
/* The same of a string: its text lies in the payload, or in *hold. */
bool rdb_payload_is_string(struct slice payload);
bool rdb_payload_string(struct slice payload, struct buf *hold, struct slice *text,
                        struct fault *f);
/* FUNCTION DUMP: each library to sink->function. */
bool rdb_payload_functions(struct slice payload, struct sink *sink, struct fault *f);

#endif
