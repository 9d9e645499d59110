/* SPDX-License-Identifier: BSD-3-Clause */
/* COMMAND: what clients ask about commands, answered from the tables. */
#include <string.h>

#include "base/glob.h"
#include "base/must.h"
#include "commands/cmd_server.h"
#include "commands/command_args.h"
#include "server/acl_rules.h"
#include "server/ctx.h"
#include "server/exec.h"
#include "server/reply.h"
#include "server/server.h"

enum { KEYS_MAX = 4096 };

/* ---- INFO ---- */
static void reply_words(struct ctx *c, uint32_t bits, const char *(*word)(unsigned),
                        const char *mark)
{
    char text[48];
    reply_set(c, (size_t)__builtin_popcount(bits));
    for (unsigned i = 0; i < 32; i++) {
        if (!(bits >> i & 1))
            continue;
        must(word(i) && strlen(mark) + strlen(word(i)) < sizeof text);
        strcpy(text, mark);
        strcat(text, word(i));
        reply_status(c, text);
    }
}

static const char *key_flag_name(unsigned i)
{
    static const char *const names[] = {"RW", "RO", "OW", "RM", "access", "update", "insert",
                                        "delete", "not_key", "incomplete", "variable_flags"};
    must(i < sizeof names / sizeof *names);
    return names[i];
}

static void reply_named_int(struct ctx *c, const char *name, int n)
{
    reply_bulk_str(c, name);
    reply_int(c, n);
}

static void reply_begin(struct ctx *c, const struct key_spec *k)
{
    static const char *const types[] = {"unknown", "index", "keyword", "unknown"};
    must(k->begin < sizeof types / sizeof *types);
    reply_bulk_str(c, "begin_search");
    reply_map(c, 2);
    reply_bulk_str(c, "type");
    reply_bulk_str(c, types[k->begin]);
    reply_bulk_str(c, "spec");
    if (k->begin == KEY_BEGIN_INDEX) {
        reply_map(c, 1);
        reply_named_int(c, "index", k->begin_index);
    } else if (k->begin == KEY_BEGIN_KEYWORD) {
        reply_map(c, 2);
        reply_bulk_str(c, "keyword");
        reply_bulk_str(c, k->keyword);
        reply_named_int(c, "startfrom", k->begin_index);
    } else {
        reply_map(c, 0);
    }
}

static void reply_find(struct ctx *c, const struct key_spec *k)
{
    static const char *const types[] = {"range", "keynum", "unknown"};
    must(k->find < sizeof types / sizeof *types);
    reply_bulk_str(c, "find_keys");
    reply_map(c, 2);
    reply_bulk_str(c, "type");
    reply_bulk_str(c, types[k->find]);
    reply_bulk_str(c, "spec");
    if (k->find == KEY_FIND_RANGE) {
        reply_map(c, 3);
        reply_named_int(c, "lastkey", k->last);
        reply_named_int(c, "keystep", k->step);
        reply_named_int(c, "limit", k->limit);
    } else if (k->find == KEY_FIND_KEYNUM) {
        reply_map(c, 3);
        reply_named_int(c, "keynumidx", k->keynum_index);
        reply_named_int(c, "firstkey", k->first_key);
        reply_named_int(c, "keystep", k->step);
    } else {
        reply_map(c, 0);
    }
}

static void reply_key_specs(struct ctx *c, const struct command *row)
{
    size_t n = 0;
    while (n < KEY_SPECS_MAX && row->keys[n].begin != KEY_BEGIN_NONE)
        n++;
    reply_set(c, n);
    for (size_t i = 0; i < n; i++) {
        const struct key_spec *k = &row->keys[i];
        reply_map(c, k->notes ? 4 : 3);
        if (k->notes) {
            reply_bulk_str(c, "notes");
            reply_bulk_str(c, k->notes);
        }
        reply_bulk_str(c, "flags");
        reply_words(c, k->flags, key_flag_name, "");
        reply_begin(c, k);
        reply_find(c, k);
    }
}

static void reply_tips(struct ctx *c, const char *tips)
{
    uint64_t mark = reply_later(c);
    size_t n = 0;
    while (tips && *tips) {
        size_t len = strcspn(tips, " ");
        reply_bulk(c, slice(tips, len));
        tips += len + (tips[len] == ' ');
        n++;
    }
    reply_later_set(c, mark, n);
}

/* Flags that exist for us, or for one kind of server, are not shown. */
#define SHOWN_FLAGS \
    (~(uint32_t)(CMD_PROTECTED | CMD_SENTINEL | CMD_ONLY_SENTINEL | CMD_MAY_REPLICATE | \
                 CMD_TOUCHES_ARBITRARY_KEYS | CMD_ASKS_HEALTH | CMD_WHILE_SUBSCRIBED))

static void reply_entry(struct ctx *c, const struct command_entry *e)
{
    reply_array(c, 10);
    reply_bulk_str(c, e->name);
    reply_int(c, e->row.arity);
    reply_words(c, e->row.flags & SHOWN_FLAGS, command_flag_name, "");
    reply_int(c, e->first_key);
    reply_int(c, e->last_key);
    reply_int(c, e->key_step);
    reply_words(c, e->categories, command_category_name, "@");
    reply_tips(c, e->row.tips);
    reply_key_specs(c, &e->row);
    if (e->sub_count)
        reply_array(c, e->sub_count);
    else
        reply_set(c, 0);
    for (unsigned i = 0; i < e->sub_count; i++)
        reply_entry(c, &e->subs[i]);
}

/* "get", or "config|get". */
static struct command_entry *find_named(struct ctx *c, struct slice name)
{
    const char *bar = name.len ? memchr(name.data, '|', name.len) : NULL;
    if (!bar)
        return commands_find(server_commands(c->server), name);
    size_t at = (size_t)(bar - name.data);
    struct command_entry *e = commands_find(server_commands(c->server), slice(name.data, at));
    return e ? command_find_sub(e, slice_from(name, at + 1)) : NULL;
}

static void visit_entry(void *arg, struct command_entry *e)
{
    reply_entry(arg, e);
}

void cmd_command(struct ctx *c)
{
    if (c->argc > 1) { /* the container's own handler gets what is no subcommand */
        reply_unknown_subcommand(c);
        return;
    }
    reply_array(c, commands_count(server_commands(c->server)));
    commands_each(server_commands(c->server), visit_entry, c);
}

void cmd_command_info(struct ctx *c)
{
    if (c->argc == 2) {
        reply_array(c, commands_count(server_commands(c->server)));
        commands_each(server_commands(c->server), visit_entry, c);
        return;
    }
    reply_array(c, (size_t)c->argc - 2);
    for (int i = 2; i < c->argc && !reply_unheard(c); i++) {
        struct command_entry *e = find_named(c, c->argv[i]);
        if (e)
            reply_entry(c, e);
        else
            reply_null(c);
    }
}

void cmd_command_count(struct ctx *c)
{
    reply_int(c, (int64_t)commands_count(server_commands(c->server)));
}

/* ---- LIST ---- */
struct list {
    struct ctx *ctx;
    size_t count;
    const struct glob *pattern; /* NULL: all */
    uint32_t category;          /* 0: any */
};

static void list_one(struct list *l, const struct command_entry *e)
{
    if ((l->category && !(e->categories & l->category)) ||
        (l->pattern && !glob_matches(l->pattern, slice_str(e->name))))
        return;
    reply_bulk_str(l->ctx, e->name);
    l->count++;
}

static void visit_list(void *arg, struct command_entry *e)
{
    struct list *l = arg;
    list_one(l, e);
    for (unsigned i = 0; (l->category || l->pattern) && i < e->sub_count; i++)
        list_one(l, &e->subs[i]);
}

void cmd_command_list(struct ctx *c)
{
    struct list l = {.ctx = c};
    struct glob pattern;
    bool none = false;
    if (c->argc == 5 && ctx_arg_is(c, 2, "FILTERBY") && ctx_arg_is(c, 3, "MODULE")) {
        none = true;
    } else if (c->argc == 5 && ctx_arg_is(c, 2, "FILTERBY") && ctx_arg_is(c, 3, "ACLCAT")) {
        l.category = acl_rules_category(c->argv[4]);
        none = !l.category;
    } else if (c->argc == 5 && ctx_arg_is(c, 2, "FILTERBY") && ctx_arg_is(c, 3, "PATTERN")) {
        glob_init(&pattern, c->argv[4], true);
        l.pattern = &pattern;
    } else if (c->argc != 2) {
        reply_syntax(c);
        return;
    }
    uint64_t mark = reply_later(c);
    if (!none)
        commands_each(server_commands(c->server), visit_list, &l);
    reply_later_array(c, mark, l.count);
    if (l.pattern)
        glob_free(&pattern);
}

/* ---- DOCS ---- */
static void doc_field(struct ctx *c, const char *name, const char *text, size_t *fields)
{
    if (!text)
        return;
    reply_bulk_str(c, name);
    reply_bulk_str(c, text);
    ++*fields;
}

/* "6.0.0:Text|7.0.0:Text" */
static void reply_history(struct ctx *c, const char *text)
{
    uint64_t mark = reply_later(c);
    size_t n = 0;
    while (*text) {
        size_t line = strcspn(text, "|"), version = strcspn(text, ":");
        must(version < line);
        reply_array(c, 2);
        reply_bulk(c, slice(text, version));
        reply_bulk(c, slice(text + version + 1, line - version - 1));
        text += line + (text[line] == '|');
        n++;
    }
    reply_later_set(c, mark, n);
}

static void reply_docs(struct ctx *c, const struct command_entry *e)
{
    const struct command *row = &e->row;
    size_t fields = 0;
    reply_bulk_str(c, e->name);
    uint64_t mark = reply_later(c);
    doc_field(c, "summary", row->summary, &fields);
    doc_field(c, "since", row->since, &fields);
    doc_field(c, "group", row->group, &fields);
    doc_field(c, "complexity", row->complexity, &fields);
    if (row->deprecated_since || row->system) {
        reply_bulk_str(c, "doc_flags");
        reply_set(c, 1);
        reply_status(c, row->system ? "syscmd" : "deprecated");
        fields++;
    }
    doc_field(c, "deprecated_since", row->deprecated_since, &fields);
    doc_field(c, "replaced_by", row->replaced_by, &fields);
    if (row->history) {
        reply_bulk_str(c, "history");
        reply_history(c, row->history);
        fields++;
    }
    if (row->args) {
        reply_bulk_str(c, "arguments");
        command_args_reply(c, row->args);
        fields++;
    }
    if (e->sub_count) {
        reply_bulk_str(c, "subcommands");
        reply_map(c, e->sub_count);
        for (unsigned i = 0; i < e->sub_count; i++)
            reply_docs(c, &e->subs[i]);
        fields++;
    }
    reply_later_map(c, mark, fields);
}

static void visit_docs(void *arg, struct command_entry *e)
{
    reply_docs(arg, e);
}

void cmd_command_docs(struct ctx *c)
{
    uint64_t mark = reply_later(c);
    size_t n = 0;
    if (c->argc == 2) {
        commands_each(server_commands(c->server), visit_docs, c);
        n = commands_count(server_commands(c->server));
    }
    for (int i = 2; i < c->argc && !reply_unheard(c); i++) {
        struct command_entry *e = find_named(c, c->argv[i]);
        if (e) {
            reply_docs(c, e);
            n++;
        }
    }
    reply_later_map(c, mark, n);
}

/* ---- GETKEYS ---- */
static void get_keys(struct ctx *c, bool with_flags)
{
    static const uint32_t shown = KEY_RW | KEY_RO | KEY_OW | KEY_RM | KEY_ACCESS | KEY_UPDATE |
                                  KEY_INSERT | KEY_DELETE | KEY_INCOMPLETE;
    struct key_use uses[KEYS_MAX];
    int argc = c->argc - 2;
    const struct slice *argv = c->argv + 2;
    struct command_entry *e = commands_find(server_commands(c->server), argv[0]);
    e = e ? exec_resolve(e, argc, argv) : NULL;
    if (!e) {
        reply_error(c, "ERR Invalid command specified");
        return;
    }
    if (e->row.keys[0].begin == KEY_BEGIN_NONE && !e->row.find_keys) {
        reply_error(c, "ERR The command has no key arguments");
        return;
    }
    if (!command_arity_ok(e, argc)) {
        reply_error(c, "ERR Invalid number of arguments specified for command");
        return;
    }
    int n = command_key_uses(e, argc, argv, uses, KEYS_MAX);
    if (n <= 0 && !(e->row.flags & CMD_NO_MANDATORY_KEYS)) {
        reply_error(c, "ERR Invalid arguments specified for command");
        return;
    }
    n = n < 0 ? 0 : n < KEYS_MAX ? n : KEYS_MAX;
    reply_array(c, (size_t)n);
    for (int i = 0; i < n; i++) {
        if (with_flags)
            reply_array(c, 2);
        reply_bulk(c, argv[uses[i].at]);
        if (with_flags)
            reply_words(c, uses[i].flags & shown, key_flag_name, "");
    }
}

void cmd_command_getkeys(struct ctx *c)
{
    get_keys(c, false);
}

void cmd_command_getkeysandflags(struct ctx *c)
{
    get_keys(c, true);
}

void cmd_command_help(struct ctx *c)
{
    static const char *const lines[] = {
        "(no subcommand)", "    Return facts about all commands.",
        "COUNT", "    Return the number of commands.",
        "DOCS [<command-name> ...]", "    Return documentation of these commands, or of all.",
        "GETKEYS <full-command>", "    Return the keys of a full command.",
        "GETKEYSANDFLAGS <full-command>", "    Return the keys of a full command with their flags.",
        "INFO [<command-name> ...]", "    Return facts about these commands, or about all.",
        "LIST [FILTERBY (MODULE <name>|ACLCAT <category>|PATTERN <pattern>)]",
        "    Return the names of commands.", NULL};
    reply_help(c, lines);
}
