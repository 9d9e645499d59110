/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared by acl.c, acl_config.c, acl_file.c and acl_text.c only. */
#ifndef SERVER_ACL_PARTS_H
#define SERVER_ACL_PARTS_H

#include "base/buf.h"
#include "server/acl_log.h"
#include "server/acl_rules.h"
#include "server/acl_user.h"
#include "server/rights.h"

/* A "user" line of the configuration, until it is applied. */
struct acl_line {
    struct acl_line *next;
    int count;
    struct slice *words; /* the name and its rules */
    char bytes[];
};

struct acl_users { /* sorted by name */
    struct acl_user **all;
    size_t count;
};

struct acl {
    struct server *server;
    struct acl_users users;
    struct acl_user *standard; /* "default", one of users */
    struct acl_user *nobody;   /* of clients whose user is gone, until they are */
    struct acl_log log;
    struct buf error;          /* the last refusal */
    struct rights rights;
    struct acl_line *lines;
    char *file;                /* absolute; NULL: there is none */
    /* options */
    int open_channels;         /* of new users: acl-pubsub-default */
    char *file_option;
    struct buf password;       /* requirepass as it was given; may be stale */
};

/* ---- acl.c ---- */
void acl_drop_lines(struct acl *a);
struct acl_rules acl_rules_now(const struct acl *a);
struct acl_user *acl_users_find(const struct acl_users *us, struct slice name);
/* It is the collection's from now on; none of its name is there. */
void acl_users_add(struct acl_users *us, struct acl_user *u);
void acl_users_free(struct acl_users *us);
/* The default user as it is at first. */
struct acl_user *acl_new_standard(void);
/* What fresh says the user is from now on; fresh is freed. */
void acl_take_over(struct acl *a, struct acl_user *u, struct acl_user *fresh);
/* All users are those of fresh from now on, which is empty then. Clients keep the user of that
 * name; those who have none, or listen to what it may not, are closed. */
void acl_replace_all(struct acl *a, struct acl_users *fresh);

/* ---- acl_text.c ---- */
/* A file's text; false: no users, and what is wrong in errors, with path and line. */
bool acl_read_users(const struct acl *a, const char *path, struct slice text,
                    struct acl_users *users, struct buf *errors);

#endif
