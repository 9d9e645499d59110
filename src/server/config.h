/* SPDX-License-Identifier: BSD-3-Clause */
/* Configuration: options in tables that their owners register, with the owner's struct as storage.
 *
 *   static const struct config_option options[] = {
 *       {.name = "save-me", CONFIG_BOOL_AT(struct thing, save_me), .initial = "yes",
 *        .apply = thing_apply},
 *       {.name = NULL}};
 *   config_add(cfg, options, thing);     // sets the initial value at once
 *
 * Sources, later ones win as in 7.2: file (with include), standard input "-", --option arguments. A
 * bad line is a fault with file, line number and reason. CONFIG SET is all or nothing: every value
 * is parsed, then set, then applied; a failing apply puts all old values back. */
#ifndef SERVER_CONFIG_H
#define SERVER_CONFIG_H

#include "server/config_option.h"

struct config;

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
/* Calls what of the given options is to be applied; meanwhile config_is_starting. */
bool config_apply_all(struct config *cfg, struct fault *f);
/* For an apply that does something else at start than at CONFIG SET. */
bool config_is_starting(const struct config *cfg);
/* For one whose old state is not made of the old value alone: a CONFIG SET failed, and what was
 * applied of it is applied again with the values before. And which CONFIG SET it is. */
bool config_is_restoring(const struct config *cfg);
uint64_t config_change_number(const struct config *cfg);
/* Options whose names have a dot may be those of a module that is not loaded yet: their lines are
 * kept. Its config_add is followed by config_claim, which stores and applies them; in the end none
 * may be left. */
bool config_claim(struct config *cfg, const void *owner, struct fault *f);
bool config_all_claimed(const struct config *cfg, struct fault *f);

/* At run time. */
typedef void config_visit(void *arg, struct slice name, struct slice value);
/* Each option once, whatever number of the patterns it matches. A pattern that is a name gives that
 * as it was written. Cost: a name log(options), any other pattern one match an option. */
void config_get(const struct config *cfg, int count, const struct slice *patterns,
                config_visit *visit, void *arg);
/* pairs: name, value, name, value. On failure *bad is the name concerned; f->code is
 * FAULT_UNKNOWN_NAME when there is no such option, FAULT_NOT_NOW while loading. */
bool config_set(struct config *cfg, int count, const struct slice *pairs, struct slice *bad,
                struct fault *f);
/* Its owner changed what the option stands for, in another way than CONFIG SET. */
void config_note_change(struct config *cfg, const char *name);
/* CONFIG_SENSITIVE: whoever shows a command shows another word for its value. */
bool config_is_secret(const struct config *cfg, struct slice name);
bool config_rewrite(struct config *cfg, struct fault *f);
const char *config_file(const struct config *cfg); /* absolute path, or NULL */
/* Splits a line into words with Redis quoting. False: unbalanced quotes or too many. words point
 * into hold, which is overwritten. */
bool config_split(struct slice line, struct buf *hold, struct slice *words, int max, int *count);
void config_set_loading(struct config *cfg, bool loading); /* CONFIG_DENY_LOADING holds */
void config_set_protected_allowed(struct config *cfg, bool allowed); /* this CONFIG SET's client */

#endif
