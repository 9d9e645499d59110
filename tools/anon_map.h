/* SPDX-License-Identifier: BSD-3-Clause */
/* What takes the place of content: as long, of the same kind, told by a secret, and the same
 * wherever the same content stands.
 *
 *   struct anon a;
 *   anon_init(&a, secret);
 *   anon_text(&a, bytes, n, 0);          in place
 *   n = anon_int(&a, n);
 *   anon_lzf(&a, packed, packed_len, 0); compressed: in place
 *
 * Texts are permuted: each of a length has one other in its place, and no two the same. Letters,
 * digits, '_', ':', '.' and '-' become such again; so do other printable bytes, control bytes, and
 * those from 128 on, each among their kind; '#', CR and LF, which are marks in a log, stay. What is
 * the text of an integer becomes one, with as many digits and as wide in every packed form; what is
 * none becomes none. Texts that compress (LZF, of 21 bytes to 64 KiB) are replaced as in their
 * compressed form, so that they are the same in files where they are compressed and in others: in
 * that of our server's files (lzf_pack_quick). Other servers pack otherwise.
 *
 * The permutation is a Feistel network of four rounds, with SipHash. Of longer texts parts of 4 KiB
 * are replaced each by itself, so they need not be held. */
#ifndef TOOLS_ANON_MAP_H
#define TOOLS_ANON_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum { ANON_KINDS = 5, ANON_PART = 4096, ANON_SECRET = 16, ANON_INT_TEXT_MAX = 20 };
struct anon {
    uint64_t key[2];
    uint8_t kind[256], rank[256];       /* of a byte: its kind, and which of them */
    uint8_t size[ANON_KINDS], letters[ANON_KINDS][128];
    struct buf packed, half;            /* room */
};

void anon_init(struct anon *a, const uint8_t secret[ANON_SECRET]);
void anon_free(struct anon *a);
/* All but the first keep bytes. */
void anon_text(struct anon *a, char *bytes, size_t n, size_t keep);
int64_t anon_int(const struct anon *a, int64_t n);
/* The bytes from.. of a longer text, at most ANON_PART from a multiple of it on. */
void anon_part(struct anon *a, char *bytes, size_t n, uint64_t from);
/* Literals of a compressed text; its first keep bytes stay. state: {0} at its begin. */
void anon_run(struct anon *a, uint64_t *state, char *bytes, size_t n);
void anon_lzf(struct anon *a, char *packed, size_t n, size_t keep);
/* Permutes the bytes at n places at once; nonce: which permutation. */
void anon_bytes(struct anon *a, uint64_t nonce, char *bytes, size_t n);
/* One byte for another, the same everywhere. */
char anon_letter(const struct anon *a, uint64_t nonce, char c);
/* Letters only; for names that have to be words. */
void anon_word(const struct anon *a, char *bytes, size_t n);

#endif
