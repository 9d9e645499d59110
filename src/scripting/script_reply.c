/* SPDX-License-Identifier: BSD-3-Clause */
#include "scripting/script_reply.h"

#include "base/must.h"
#include "scripting/guard.h"
#include "server/output.h"
#include "server/reply.h"

enum { PREALLOCATED_MAX = 1 << 16 };

/* ---- to Lua ---- */
struct reading {
    lua_State *L;
    struct reply_reader *reader;
    struct slice reply;
};

static void push_text(lua_State *L, struct slice text)
{
    lua_pushlstring(L, text.data, text.len);
}

static struct reply_item read_item(struct reading *r)
{
    struct reply_item item;
    enum reply_got got = reply_next(r->reader, r->reply.data, r->reply.len, &item);
    must(got == REPLY_ITEM); /* we wrote it */
    return item;
}

static bool push_value(struct reading *r);

static void push_array(struct reading *r, int64_t n)
{
    lua_createtable(r->L, n < PREALLOCATED_MAX ? (int)n : PREALLOCATED_MAX, 0);
    for (int64_t i = 1; i <= n; i++) {
        push_value(r);
        lua_rawseti(r->L, -2, (int)i);
    }
}

/* {name = {key = value...}}, of a set {name = {element = true...}} */
static void push_keyed(struct reading *r, const char *name, int64_t n, bool is_map)
{
    lua_State *L = r->L;
    lua_createtable(L, 0, 1);
    lua_createtable(L, 0, n < PREALLOCATED_MAX ? (int)n : PREALLOCATED_MAX);
    for (int64_t i = 0; i < n; i++) {
        push_value(r);
        if (is_map)
            push_value(r);
        else
            lua_pushboolean(L, 1);
        if (lua_isnil(L, -2)) /* no table has such a key */
            lua_pop(L, 2);
        else
            lua_rawset(L, -3);
    }
    lua_setfield(L, -2, name);
}

static void push_verbatim(lua_State *L, const struct reply_item *item)
{
    lua_createtable(L, 0, 1);
    lua_createtable(L, 0, 2);
    push_text(L, item->text);
    lua_setfield(L, -2, "string");
    lua_pushstring(L, item->format);
    lua_setfield(L, -2, "format");
    lua_setfield(L, -2, "verbatim_string");
}

static void push_field(lua_State *L, const char *name)
{
    lua_createtable(L, 0, 1);
    lua_insert(L, -2);
    lua_setfield(L, -2, name);
}

/* What stands in front of a value is not shown. */
static void skip_attribute(struct reading *r, int64_t pairs)
{
    for (int64_t i = 0; i < 2 * pairs; i++) {
        push_value(r);
        lua_pop(r->L, 1);
    }
}

/* False when it is an aggregate, which is there now, or an attribute, which is not. */
static bool push_plain(lua_State *L, const struct reply_item *item)
{
    switch (item->kind) {
    case REPLY_STATUS: push_text(L, item->text); push_field(L, "ok"); return true;
    case REPLY_ERROR: script_push_error(L, item->text, true); return true;
    case REPLY_INT: lua_pushnumber(L, (lua_Number)item->number); return true;
    case REPLY_BULK: push_text(L, item->text); return true;
    case REPLY_BOOL: lua_pushboolean(L, item->number != 0); return true;
    case REPLY_DOUBLE: lua_pushnumber(L, item->real); push_field(L, "double"); return true;
    case REPLY_BIGNUM: push_text(L, item->text); push_field(L, "big_number"); return true;
    case REPLY_VERBATIM: push_verbatim(L, item); return true;
    default: return false;
    }
}

/* True when it is an error. */
static bool push_value(struct reading *r)
{
    lua_State *L = r->L;
    struct reply_item item = read_item(r);
    for (; item.kind == REPLY_ATTRIBUTE; item = read_item(r))
        skip_attribute(r, item.number);
    luaL_checkstack(L, 8, "a reply");
    if (push_plain(L, &item))
        return item.kind == REPLY_ERROR;
    switch (item.kind) {
    case REPLY_MAP: push_keyed(r, "map", item.number, true); break;
    case REPLY_SET: push_keyed(r, "set", item.number, false); break;
    case REPLY_ARRAY:
    case REPLY_PUSH: push_array(r, item.number); break;
    default:
        must(item.kind == REPLY_NULL || item.kind == REPLY_NULL_ARRAY);
        if (r->reply.data[r->reader->at - 3] == '_') /* "_\r\n"; RESP2's are "-1\r\n" */
            lua_pushnil(L);
        else
            lua_pushboolean(L, 0);
    }
    return false;
}

/* The digits are a command's own: they need no looking at. */
static int64_t read_int(struct slice digits)
{
    bool minus = digits.data[0] == '-';
    uint64_t n = 0;
    must(digits.len > minus);
    for (size_t i = minus; i < digits.len; i++)
        n = n * 10 + (uint64_t)(digits.data[i] - '0');
    return (int64_t)(minus ? -n : n);
}

/* What most commands reply, without the reader; also errors that are longer than it takes lines to
 * be. False: it is another kind. */
static bool push_usual(lua_State *L, struct slice reply)
{
    struct slice line = slice(reply.data + 1, reply.len - 3); /* of a bulk: all of it */
    switch (reply.data[0]) {
    case '-': script_push_error(L, line, true); return true;
    case '+': push_text(L, line); push_field(L, "ok"); return true;
    case ':': lua_pushnumber(L, (lua_Number)read_int(line)); return true;
    case '$':
        if (line.data[0] == '-') {
            lua_pushboolean(L, 0);
        } else {
            const char *text = (const char *)memchr(line.data, '\n', line.len) + 1;
            push_text(L, slice(text, (size_t)(line.data + line.len - text)));
        }
        return true;
    default: return false;
    }
}

bool script_push_reply(lua_State *L, struct reply_reader *reader, struct slice reply)
{
    struct reading r = {.L = L, .reader = reader, .reply = reply};
    must(reply.len > 3 || (reply.len == 3 && reply.data[0] == '_') || reply.data[0] == '+');
    if (push_usual(L, reply))
        return reply.data[0] == '-';
    reply_close(reader); /* of one that an error ended */
    reply_open(reader, &(struct reply_limits){.bulk_max = INT64_MAX});
    bool is_error = push_value(&r);
    must(reader->at == reply.len);
    return is_error;
}

void script_push_error(lua_State *L, struct slice text, bool counted)
{
    lua_createtable(L, 0, 2);
    push_text(L, text);
    lua_setfield(L, -2, "err");
    if (counted) {
        lua_pushboolean(L, 1);
        lua_setfield(L, -2, SCRIPT_ERROR_COUNTED);
    }
}

/* ---- from Lua ---- */
struct replying {
    lua_State *L;
    struct ctx *ctx;
    int resp;
    uint64_t began; /* where the reply does */
};

static void reply_value(struct replying *r);

static uint64_t place(const struct ctx *c)
{
    return c->output ? output_end(c->output) : c->out->len;
}

static int64_t cut(lua_Number n)
{
    return n >= -0x1p63 && n < 0x1p63 ? (int64_t)n : INT64_MIN;
}

/* Pushes the field of the table at index, if it has this very type, not one that Lua would make of
 * it. */
static bool push_field_of(lua_State *L, int index, const char *name, int type)
{
    lua_pushstring(L, name);
    lua_rawget(L, index);
    if (lua_type(L, -1) == type)
        return true;
    lua_pop(L, 1);
    return false;
}

static struct slice text_at(lua_State *L, int index)
{
    size_t len;
    const char *text = lua_tolstring(L, index, &len);
    return slice(text, len);
}

/* Lines are one: CR and LF become blanks. */
static struct slice one_line(lua_State *L, struct slice text)
{
    if (!text.len || (!memchr(text.data, '\r', text.len) && !memchr(text.data, '\n', text.len)))
        return text;
    struct buf *b = guard_scratch(L);
    guard_add(L, b, text.data, text.len);
    for (size_t i = 0; i < b->len; i++)
        if (b->data[i] == '\r' || b->data[i] == '\n')
            b->data[i] = ' ';
    return buf_slice(b);
}

/* text: of the table at index */
static void reply_err(struct replying *r, int index, struct slice text)
{
    bool counted = push_field_of(r->L, index, SCRIPT_ERROR_COUNTED, LUA_TBOOLEAN) &&
                   lua_toboolean(r->L, -1);
    reply_error_slice(r->ctx, text, counted);
}

/* The table on top: its pairs, or its keys alone. */
static void reply_keyed(struct replying *r, bool is_map)
{
    lua_State *L = r->L;
    int table = lua_gettop(L);
    size_t n = 0;
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1))
        n++;
    guard_spend(L, n);
    if (is_map)
        reply_map(r->ctx, n);
    else
        reply_set(r->ctx, n);
    for (lua_pushnil(L); lua_next(L, table); lua_settop(L, table + 1)) {
        lua_pushvalue(L, table + 1);
        reply_value(r);
        lua_pop(L, 1);
        if (is_map)
            reply_value(r);
    }
}

static void reply_elements(struct replying *r)
{
    lua_State *L = r->L;
    int n = 0;
    for (;; n++) {
        lua_rawgeti(L, -1, n + 1);
        bool end = lua_isnil(L, -1);
        lua_pop(L, 1);
        if (end)
            break;
    }
    guard_spend(L, (size_t)n);
    reply_array(r->ctx, (size_t)n);
    for (int i = 1; i <= n; i++) {
        lua_rawgeti(L, -1, i);
        reply_value(r);
        lua_pop(L, 1);
    }
}

/* {format = , string = } on top */
static bool reply_verbatim_table(struct replying *r)
{
    lua_State *L = r->L;
    int table = lua_gettop(L);
    if (!push_field_of(L, table, "format", LUA_TSTRING) ||
        !push_field_of(L, table, "string", LUA_TSTRING))
        return false;
    struct slice given = text_at(L, table + 1);
    char format[4] = "   ";
    memcpy(format, given.data, given.len < 3 ? given.len : 3);
    reply_verbatim(r->ctx, format, text_at(L, table + 2));
    return true;
}

/* Tables that stand for a value of another kind. */
static bool reply_special(struct replying *r)
{
    lua_State *L = r->L;
    int table = lua_gettop(L);
    bool done = true;
    if (push_field_of(L, table, "err", LUA_TSTRING))
        reply_err(r, table, text_at(L, -1));
    else if (push_field_of(L, table, "ok", LUA_TSTRING))
        reply_status_slice(r->ctx, one_line(L, text_at(L, -1)));
    else if (push_field_of(L, table, "double", LUA_TNUMBER))
        reply_double(r->ctx, lua_tonumber(L, -1));
    else if (push_field_of(L, table, "map", LUA_TTABLE))
        reply_keyed(r, true);
    else if (push_field_of(L, table, "set", LUA_TTABLE))
        reply_keyed(r, false);
    else if (push_field_of(L, table, "big_number", LUA_TSTRING))
        reply_bignum(r->ctx, one_line(L, text_at(L, -1)));
    else
        done = push_field_of(L, table, "verbatim_string", LUA_TTABLE) && reply_verbatim_table(r);
    lua_settop(L, table);
    return done;
}

/* Tables may hold one another, and a text, many times. */
static void limit_reply(struct replying *r, size_t more)
{
    size_t limit = guard_of(r->L)->limit;
    uint64_t len = place(r->ctx) - r->began;
    if (len > limit || more > limit - len)
        luaL_error(r->L, "the reply is larger than script-max-memory");
}

static void reply_text(struct replying *r, struct slice text)
{
    guard_spend_copy(r->L, text.len);
    limit_reply(r, text.len);
    reply_bulk(r->ctx, text);
}

static void reply_value(struct replying *r)
{
    lua_State *L = r->L;
    guard_spend(L, 1);
    if (!lua_checkstack(L, 8)) {
        reply_error(r->ctx, "ERR reached lua stack limit");
        return;
    }
    switch (lua_type(L, -1)) {
    case LUA_TSTRING: reply_text(r, text_at(L, -1)); break;
    case LUA_TNUMBER: reply_int(r->ctx, cut(lua_tonumber(L, -1))); break;
    case LUA_TBOOLEAN:
        if (r->resp == 3)
            reply_bool(r->ctx, lua_toboolean(L, -1));
        else if (lua_toboolean(L, -1))
            reply_int(r->ctx, 1);
        else
            reply_null(r->ctx);
        break;
    case LUA_TTABLE:
        limit_reply(r, 0);
        if (!reply_special(r))
            reply_elements(r);
        break;
    default: reply_null(r->ctx);
    }
}

void script_reply(lua_State *L, struct ctx *c, int resp)
{
    struct replying r = {.L = L, .ctx = c, .resp = resp, .began = place(c)};
    int top = lua_gettop(L);
    reply_value(&r);
    must(lua_gettop(L) == top);
}
