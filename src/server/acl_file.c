/* SPDX-License-Identifier: BSD-3-Clause */
/* The file of aclfile, loaded and saved. */
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/must.h"
#include "os/file.h"
#include "server/acl.h"
#include "server/acl_parts.h"

enum { FILE_LIMIT = 64 << 20 };

bool acl_load(struct acl *a, struct fault *f)
{
    struct buf text = {0}, errors = {0};
    struct acl_users users;
    struct fault why = {0};
    must(a->file);
    if (!file_slurp_regular(a->file, FILE_LIMIT, &text, &why)) {
        fault_set(f, why.code, "Error loading ACLs, opening file '%.200s': %.200s", a->file,
                  why.err ? strerror(why.err) : why.what);
        buf_free(&text);
        return false;
    }
    bool ok = acl_read_users(a, a->file, buf_slice(&text), &users, &errors);
    if (ok)
        acl_replace_all(a, &users);
    else
        fault_set(f, FAULT_INVALID, "%.*sWARNING: ACL errors detected, no change to the previously "
                  "active ACL rules was performed", SLICE_ARG(buf_slice(&errors)));
    buf_free(&text);
    buf_free(&errors);
    return ok;
}

bool acl_save(const struct acl *a, struct fault *f)
{
    struct buf text = {0}, tmp = {0};
    must(a->file);
    for (size_t i = 0; i < a->users.count; i++) {
        buf_printf(&text, "user ");
        acl_rules_print(a->users.all[i], &text, buf_add);
        buf_byte(&text, '\n');
    }
    buf_printf(&tmp, "%s-%d.tmp", a->file, (int)getpid());
    bool ok = file_replace(buf_cstr(&tmp), a->file, buf_slice(&text), f);
    buf_free(&text);
    buf_free(&tmp);
    return ok;
}
