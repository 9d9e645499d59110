/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads the files on disk again now and then, while the data is still in memory: the dump file,
 * and the append log's base and increments up to what was written when the round began. Disks lose
 * bytes silently; better to learn of it today than at the next start.
 *
 * A bad file is kept aside under NAME.bad-<unix time> (a second name of the same file, so the first
 * one never goes away), and replaced from memory: the dump by a BGSAVE, a part of the log by a
 * rewrite. Reading is done by a thread of its own, at idle priority and no faster than
 * scrub-max-rate, past the page cache. */
#ifndef PERSIST_SCRUB_H
#define PERSIST_SCRUB_H

struct info_out;
struct persist;
struct scrub;

struct scrub *scrub_new(struct persist *p);
/* Stops a round that is under way. */
void scrub_free(struct scrub *s);
void scrub_info(struct scrub *s, struct info_out *o);

#endif
