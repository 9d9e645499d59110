/* SPDX-License-Identifier: BSD-3-Clause */
/* A fault: what went wrong with input or the environment, told once and kept.
 *
 *   struct fault f = {0};
 *   if (!thing(x, &f)) log_warning("%s", fault_text(&f, line, sizeof line));
 *
 * Sticky: the first fault set stays, later ones are dropped, so a body may run on in straight
 * lines and look once at its end. Plain data, copied by assignment, owns nothing. */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum fault_code {
    FAULT_NONE = 0,
    FAULT_EOF,     /* the bytes end too early */
    FAULT_FORMAT,  /* the bytes cannot mean anything */
    FAULT_CRC,     /* a checksum says they are not what was written */
    FAULT_VERSION, /* a newer or foreign format */
    FAULT_CANNOT_HOLD, /* well-formed, but this server has no place for it yet */
    FAULT_LIMIT,   /* over a configured or safety limit */
    FAULT_IO,      /* a system call failed: see err */
    FAULT_INVALID, /* an argument or a setting makes no sense */
    FAULT_UNKNOWN_NAME, /* of nothing that is here */
    FAULT_NOT_NOW, /* what is being done just now does not allow it */
    FAULT_REFUSED, /* all of it is there, and it would not be taken so */
};

/* FAULT_TEXT_MAX: of a line for people that holds all of them. */
enum { FAULT_WHAT_MAX = 512, FAULT_KEY_MAX = 128, FAULT_TEXT_MAX = 768 };

struct fault {
    enum fault_code code;
    int err;              /* errno of a FAULT_IO, else 0 */
    uint64_t offset;      /* bytes read so far, where a stream is concerned */
    const char *doing;    /* a static word: "read-object-value", "fsync"; may be NULL */
    int type;             /* RDB type number being read, -1 unknown; only with has_type */
    bool has_type, has_key;
    char what[FAULT_WHAT_MAX]; /* the sentence */
    char key[FAULT_KEY_MAX];   /* the key concerned, printable (see fault_set_key) */
};

static inline bool fault_is(const struct fault *f)
{
    return f->code != FAULT_NONE;
}

/* Sets code and sentence unless one is set already. */
void fault_set(struct fault *f, enum fault_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* FAULT_IO with errno err: "<format>: <strerror>". doing must be a static string. */
void fault_io(struct fault *f, int err, const char *doing, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Remembers the key, escaped and cut to fit. */
void fault_set_key(struct fault *f, struct slice key);
/* Puts "name: " in front of the sentence. */
void fault_prefix(struct fault *f, const char *name);
void fault_clear(struct fault *f);
/* One line for people: sentence, then offset, action and key where known. Returns out. */
const char *fault_text(const struct fault *f, char *out, size_t size);

#endif
