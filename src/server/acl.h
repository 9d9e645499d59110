/* SPDX-License-Identifier: BSD-3-Clause */
/* Users: who there is, who a client is, and what is refused to it.
 *
 * A client without a user (NULL) is the default user; one whose user may not do everything has
 * CLIENT_RESTRICTED, and only then anything is asked. So nobody pays for users that are not there,
 * nor for those with all rights. Clients without a socket are never restricted, but for those of
 * scripts while they call a command: they have the rights of who runs the script.
 *
 * Users come from the configuration ("user" lines or aclfile, never both) and from ACL SETUSER.
 * They are read when all commands are known. Nothing about users is logged or replicated. */
#ifndef SERVER_ACL_H
#define SERVER_ACL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/fault.h"
#include "base/slice.h"

struct acl; /* opaque */
struct acl_log;
struct acl_user;
struct buf;
struct client;
struct command_entry;
struct config;
struct ctx;
struct rights;
struct server;

struct acl *acl_new(struct server *s);
void acl_free(struct acl *a); /* behind the clients */
void acl_register(struct acl *a, struct config *cfg);

/* ---- what a client may do ---- */
/* For the executor, which asks in front of each call of a restricted client; what is refused is
 * counted and in ACL LOG. Stays where it is. */
const struct rights *acl_rights(const struct acl *a);
/* The same question without a trace. */
bool acl_permits(const struct acl *a, const struct client *c, const struct command_entry *e,
                 int argc, const struct slice *argv);
/* The call that runs, and reading keys that no word of it names. */
bool acl_permits_any_read(const struct acl *a, const struct ctx *c);

/* ---- who a client is ---- */
/* True: it is this user from now on. False is counted, and in ACL LOG. */
bool acl_authenticate(struct acl *a, const struct ctx *c, struct slice user,
                      struct slice password);
const char *acl_name_of(const struct acl *a, const struct client *c);

/* ---- users ---- */
size_t acl_count(const struct acl *a);
const struct acl_user *acl_at(const struct acl *a, size_t i); /* by name, in order of bytes */
const struct acl_user *acl_find(const struct acl *a, struct slice name); /* or NULL */
/* Whose client c is. */
const struct acl_user *acl_user_of(const struct acl *a, const struct client *c);
/* Makes or changes one: all rules, or none and f says why (FAULT_FORMAT: the whole sentence), bad
 * which. Clients that listen to channels which it lost are closed. */
bool acl_set(struct acl *a, struct slice name, int argc, const struct slice *rules,
             struct buf *bad, struct fault *f);
/* Its clients are closed. False: there is none, or it is the default user. */
bool acl_delete(struct acl *a, struct slice name);
/* The file of aclfile; all of it or nothing. f: why not. */
bool acl_load(struct acl *a, struct fault *f);
bool acl_save(const struct acl *a, struct fault *f);
const char *acl_file(const struct acl *a); /* NULL: there is none */

struct acl_log *acl_log_of(struct acl *a);

#endif
