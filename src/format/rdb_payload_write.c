/* SPDX-License-Identifier: BSD-3-Clause */
/* DUMP payloads: a value as in a file, and a footer. */
#include "base/bytes.h"
#include "base/crc64.h"
#include "base/must.h"
#include "format/rdb_write.h"

void rdb_payload_writer_init(struct rdb_writer *w, struct out *out, int version)
{
    rdb_writer_init(w, out, &(struct rdb_write_options){.version = version, .compress = true});
    w->payload = true;
}

void rdb_payload_seal(struct buf *b, size_t start_at, int version)
{
    uint8_t footer[RDB_PAYLOAD_FOOTER];
    must(start_at <= b->len);
    store_le16(footer, (uint16_t)(version ? version : RDB_VERSION_OURS));
    uint64_t crc = crc64(0, b->data + start_at, b->len - start_at);
    store_le64(footer + 2, crc64(crc, footer, 2));
    buf_append(b, footer, sizeof footer);
}
