/* SPDX-License-Identifier: BSD-3-Clause */
/* The row of an option: what config.h's registry knows about it. */
#ifndef SERVER_CONFIG_OPTION_H
#define SERVER_CONFIG_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/slice.h"

enum config_kind {
    CONFIG_BOOL,    /* bool */
    CONFIG_INT,     /* int64_t within min..max */
    CONFIG_SIZE,    /* int64_t bytes, "10mb"; CONFIG_PERCENT: also "5%", stored negative */
    CONFIG_OCTAL,   /* int64_t */
    CONFIG_ENUM,    /* int, by words */
    CONFIG_STRING,  /* char *, mem_alloc; NULL means empty */
    CONFIG_CUSTOM,  /* parse and print are the owner's: save, bind, client-output-buffer-limit */
};
enum {
    CONFIG_IMMUTABLE = 1,  /* only at start */
    CONFIG_HIDDEN = 2,     /* not in CONFIG GET * */
    CONFIG_PERCENT = 4,
    CONFIG_MULTI = 8,      /* may be given more than once; each line adds (custom: see clear) */
    CONFIG_LATER = 16,     /* accepted and kept, does not act yet: warned about once when set */
    CONFIG_SENSITIVE = 32, /* redacted where arguments are shown */
    CONFIG_DENY_LOADING = 64, /* CONFIG SET is refused while the data set is being loaded */
    CONFIG_PROTECTED = 128, /* CONFIG SET only with enable-protected-configs */
    CONFIG_BARE = 512,     /* --name may be the last word of its line */
    CONFIG_WHOLE = 256,    /* custom: the value is one word, blanks and all */
    CONFIG_APPLY_LAST = 1024, /* applied when no other of the CONFIG SET can fail any more: what
                                 apply does can't be made undone by the old value */
};

struct config_word { /* CONFIG_ENUM; ended by NULL */
    const char *word;
    int value;
};

/* Kind and place of an option's value: the compiler looks whether they go together. */
#define CONFIG_AT(kind_, owner, field, ...) \
    .kind = (kind_), \
    .offset = offsetof(owner, field) + 0 * sizeof(char[_Generic(((owner *)0)->field, __VA_ARGS__)])
#define CONFIG_BOOL_AT(owner, field) CONFIG_AT(CONFIG_BOOL, owner, field, bool: 1)
/* The unsigned ones are never set below 0. */
#define CONFIG_INT_AT(owner, field) CONFIG_AT(CONFIG_INT, owner, field, int64_t: 1, uint64_t: 1)
#define CONFIG_SIZE_AT(owner, field) CONFIG_AT(CONFIG_SIZE, owner, field, int64_t: 1, uint64_t: 1)
#define CONFIG_OCTAL_AT(owner, field) CONFIG_AT(CONFIG_OCTAL, owner, field, int64_t: 1)
#define CONFIG_ENUM_AT(owner, field) CONFIG_AT(CONFIG_ENUM, owner, field, int: 1)
#define CONFIG_STRING_AT(owner, field) CONFIG_AT(CONFIG_STRING, owner, field, char *: 1)

struct config_option {
    const char *name;
    const char *alias;      /* NULL none: the old name */
    enum config_kind kind;
    unsigned flags;
    size_t offset;          /* in the owner's struct */
    const char *initial;    /* as text */
    int64_t min, max;       /* CONFIG_INT, CONFIG_SIZE; 0,0: no bounds */
    const struct config_word *words;
    /* After the value was set; false with f filled puts it back. At start: called once, after all
     * sources are read, only if given in one of them... never for initial values. NULL: nothing to
     * do. */
    bool (*apply)(void *owner, struct fault *f);
    /* CONFIG_STRING: may the text stand? NULL: any. */
    bool (*check)(void *owner, struct slice text, struct fault *f);
    /* CONFIG_CUSTOM. parse: the words behind the name; sets the owner's value (MULTI: adds to it).
     * There may be none, or empty ones. */
    bool (*parse)(void *owner, int argc, const struct slice *argv, struct fault *f);
    /* CONFIG_MULTI: to nothing, before the first line of the sources, the initial value and CONFIG
     * SET are parsed. NULL: an option that CONFIG SET can't reach, which only adds up. */
    void (*clear)(void *owner);
    /* CONFIG_LATER: only the initial value is taken, and this says why: to pass over what was asked
     * for would serve without a protection. */
    const char *refusal;
    void (*print)(const void *owner, struct buf *out); /* value as CONFIG GET shows it */
    /* CONFIG_CUSTOM for REWRITE: no or more whole lines; NULL: "name print". A hidden option is
     * rewritten when it has this. */
    void (*lines)(const void *owner, struct buf *out);
};

#endif
