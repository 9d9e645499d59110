/* SPDX-License-Identifier: BSD-3-Clause */
/* A full synchronisation on its way to the disk, checked while it comes: a worker reads behind the
 * writer what is there, as the load will (persist/trial.h), so that the data set that is served
 * goes for nothing less than a whole one. At the end little is left to wait for.
 *
 *   got = received_begin(&spec, &f);             NULL, f: no file
 *   received_add(got, bytes, &f)                 false, f: the disk does not take them
 *   received_whole(got);                         no more come: spec.checked is called, on the loop
 *   ... received_verdict(got, &found, &f) ... received_path(got) ...
 *   received_drop(got, keep);                    at any time; the file goes too, unless keep
 *
 * When it was checked the file is durable; its name is not. */
#ifndef REPLICATION_RECEIVED_H
#define REPLICATION_RECEIVED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/slice.h"

struct persist;
struct received; /* opaque */
struct worker;

struct received_spec {
    struct worker *worker; /* of its own: a check lasts as long as the synchronisation */
    struct persist *persist; /* whose data set it is to be */
    const char *path;
    bool unguarded;        /* rdb-block-checksum no: see rdb_options */
    void (*checked)(void *arg); /* not after received_drop */
    void *arg;
};

struct received *received_begin(const struct received_spec *spec, struct fault *f);
/* A fault that the check has found already is one of the next bytes. */
bool received_add(struct received *r, struct slice bytes, struct fault *f);
void received_whole(struct received *r);
/* Once checked was called, while nothing is loaded. False with f: it is not to be loaded. */
struct received_found {
    uint64_t keys;
    bool unsure; /* the load may find a fault all the same */
};
bool received_verdict(struct received *r, struct received_found *found, struct fault *f);
const char *received_path(const struct received *r);
uint64_t received_bytes(const struct received *r);
void received_drop(struct received *r, bool keep);

#endif
