/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared by the config_*.c files only. */
#ifndef SERVER_CONFIG_PARTS_H
#define SERVER_CONFIG_PARTS_H

#include "server/config.h"

enum { CONFIG_WORDS_MAX = 4096, CONFIG_INCLUDE_DEPTH = 16 };

struct option {
    const struct config_option *row;
    void *owner;
    bool given;  /* in some source at start, or by CONFIG SET */
    bool included; /* given in a file that another one includes */
    bool changed;  /* since the files were read: by an argument, by CONFIG SET */
    bool warned; /* that it does not act yet */
};

/* An option's name or its alias. */
struct config_name {
    const char *text;
    size_t option;
};

/* A line whose option may come later. */
struct unclaimed {
    struct unclaimed *next;
    struct buf where; /* for people: which file, which line */
    bool changed, included; /* as in struct option */
    int count;
    struct slice *words;
    char bytes[];
};

struct config {
    struct option *options;
    size_t count, cap;
    struct config_name *names; /* sorted, without regard to case */
    size_t name_count;
    char *file; /* absolute */
    bool in_file; /* being read: what is stored comes from file, or from what that includes */
    bool protected_allowed, loading;
    int depth; /* of includes */
    uint64_t changes; /* CONFIG SETs so far */
    bool starting, restoring, told_where; /* told_where: the fault of a source names its line */
    struct unclaimed *unclaimed; /* in the order of the lines */
};

/* Applies what was given of one owner's options. */
bool config_apply_owner(struct config *cfg, const void *owner, struct fault *f);

/* ---- config_claim.c ---- */
void config_keep_line(struct config *cfg, const char *name, int line, int count,
                      const struct slice *words);
void config_free_unclaimed(struct config *cfg);

struct option *config_find(const struct config *cfg, struct slice name);
/* A line of a source: the words behind the name. Parses and stores; apply is not called. A MULTI
 * option is added to. */
bool option_store_line(struct option *o, int argc, const struct slice *argv, struct fault *f);
/* The same with all words in one text, as CONFIG SET brings them and option_print gives them; it
 * replaces the value of a MULTI option. */
bool option_store_text(struct option *o, struct slice text, struct fault *f);
/* The value as CONFIG GET shows it, appended. */
void option_print(const struct option *o, struct buf *out);
/* Stores what option_print gave: putting an old value back. */
void option_restore(struct option *o, struct slice text);
bool option_is_initial(const struct option *o);
/* False, with f, when the value asks for what this version cannot give (struct config_option's
 * refusal). */
bool option_can_be_had(const struct option *o, struct fault *f);
/* Words of the file that are no options: a client does not see them. */
bool option_is_directive(const struct option *o);
void option_initialise(struct option *o);
/* Once: that it does not act yet. */
void option_warn_later(struct option *o);

#endif
