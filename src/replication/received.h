/* SPDX-License-Identifier: BSD-3-Clause */
/* A full synchronisation on its way to the disk, checked while it comes: a worker reads behind the
 * writer what is there, with the reader that will load it, so that the data set that is served goes
 * for nothing less than a whole one. At the end little is left to wait for.
 *
 *   got = received_begin(&spec, &f);             NULL, f: no file
 *   received_add(got, bytes, &f)                 false, f: the disk does not take them
 *   received_whole(got);                         no more come: spec.checked is called, on the loop
 *   ... received_verdict(got, &keys, &f) ... received_path(got) ...
 *   received_drop(got, keep);                    at any time; the file goes too, unless keep
 *
 * When it was checked the file is durable; its name is not. Found are: a stream that is no RDB or
 * is cut off, wrong checksums of the whole or, where the primary sends them, of blocks and of the
 * data set, structure that no value can have, databases that are not here, bytes behind its end.
 * Not found is a key that stands there twice: only loading it tells. */
#ifndef REPLICATION_RECEIVED_H
#define REPLICATION_RECEIVED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/slice.h"

struct received; /* opaque */
struct worker;

struct received_spec {
    struct worker *worker; /* of its own: a check lasts as long as the synchronisation */
    const char *path;
    unsigned databases;
    bool unguarded;        /* rdb-block-checksum no: see rdb_options */
    void (*checked)(void *arg); /* not after received_drop */
    void *arg;
};

struct received *received_begin(const struct received_spec *spec, struct fault *f);
/* A fault that the check has found already is one of the next bytes. */
bool received_add(struct received *r, struct slice bytes, struct fault *f);
void received_whole(struct received *r);
/* Once checked was called. False with f: it is not to be loaded. */
bool received_verdict(const struct received *r, uint64_t *keys, struct fault *f);
const char *received_path(const struct received *r);
uint64_t received_bytes(const struct received *r);
void received_drop(struct received *r, bool keep);

#endif
