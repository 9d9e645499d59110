/* SPDX-License-Identifier: BSD-3-Clause */
/* Configuration: options in tables that their owners register, with the owner's struct as storage.
 *
 *   static const struct config_option options[] = {
 *       {.name = "save-me", .kind = CONFIG_BOOL, .offset = offsetof(struct thing, save_me),
 *        .initial = "yes", .apply = thing_apply},
 *       {.name = NULL}};
 *   config_add(cfg, options, thing);     // sets the initial value at once
 *
 * Sources, later ones win as in 7.2: file (with include), standard input "-", --option arguments. A
 * bad line is a fault with file, line number and reason. CONFIG SET is all or nothing: every value
 * is parsed, then set, then applied; a failing apply puts all old values back. */
#ifndef SERVER_CONFIG_H
#define SERVER_CONFIG_H

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
    CONFIG_WHOLE = 256,    /* custom: the value is one word, blanks and all */
};

struct config;
struct config_word { /* CONFIG_ENUM; ended by NULL */
    const char *word;
    int value;
};

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
    /* CONFIG_CUSTOM for REWRITE: one or more whole lines; NULL: "name print". */
    void (*lines)(const void *owner, struct buf *out);
};

struct config *config_new(void);
void config_free(struct config *cfg);
/* Options of an owner that comes later replace CONFIG_LATER ones of the same name. */
void config_add(struct config *cfg, const struct config_option *table, void *owner);
/* The owner goes: its options too, and the texts of its CONFIG_STRINGs. */
void config_release(struct config *cfg, const void *owner);

/* At start. Each fills f with a line for people. argv: the words after the program's name; whether
 * what all of them ask for can be had is looked at when they are read. */
bool config_load_args(struct config *cfg, int argc, char **argv, struct fault *f);
bool config_load_file(struct config *cfg, const char *path, struct fault *f);
bool config_load_text(struct config *cfg, const char *name, struct slice text, struct fault *f);
bool config_apply_all(struct config *cfg, struct fault *f);

/* At run time. */
typedef void config_visit(void *arg, struct slice name, struct slice value);
/* Each option once, whatever number of the patterns it matches. A pattern that is a name gives that
 * as it was written. Cost: a name log(options), any other pattern one match an option. */
void config_get(const struct config *cfg, int count, const struct slice *patterns,
                config_visit *visit, void *arg);
/* pairs: name, value, name, value. On failure *bad is the name concerned; f->doing is
 * CONFIG_UNKNOWN when there is no such option, CONFIG_NOT_NOW while loading. */
#define CONFIG_UNKNOWN "unknown-option"
#define CONFIG_NOT_NOW "loading"
bool config_set(struct config *cfg, int count, const struct slice *pairs, struct slice *bad,
                struct fault *f);
bool config_rewrite(struct config *cfg, struct fault *f);
const char *config_file(const struct config *cfg); /* absolute path, or NULL */
/* Splits a line into words with Redis quoting. False: unbalanced quotes or too many. words point
 * into hold, which is overwritten. */
bool config_split(struct slice line, struct buf *hold, struct slice *words, int max, int *count);
void config_set_loading(struct config *cfg, bool loading); /* CONFIG_DENY_LOADING holds */
void config_set_protected_allowed(struct config *cfg, bool allowed); /* this CONFIG SET's client */

#endif
