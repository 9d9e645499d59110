/* SPDX-License-Identifier: BSD-3-Clause */
#include "scripting/lua_struct.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>

#include "base/bytes.h"
#include "base/must.h"
#include "scripting/guard.h"

enum { INT_BYTES = 4, INT_BYTES_MAX = 32, ALIGN = 8 };

/* How far a format has been read. */
struct layout {
    lua_State *L;
    const char *rest;
    unsigned align;
    bool big;
};

struct field {
    char letter; /* '\0': the format is at its end */
    size_t size; /* in bytes; 0 when the value decides, and for what is not a value */
};

static unsigned number(struct layout *f, unsigned without)
{
    if (!isdigit((unsigned char)*f->rest))
        return without;
    unsigned n = 0;
    for (; isdigit((unsigned char)*f->rest); f->rest++) {
        unsigned digit = (unsigned)(*f->rest - '0');
        if (n > (INT_MAX - digit) / 10)
            luaL_error(f->L, "integral size overflow");
        n = n * 10 + digit;
    }
    return n;
}

static size_t size_of(struct layout *f, char letter)
{
    switch (letter) {
    case 'b':
    case 'B':
    case 'x':
        return 1;
    case 'h':
    case 'H':
        return 2;
    case 'f':
        return 4;
    case 'l':
    case 'L':
    case 'T':
    case 'd':
        return 8;
    case 'c':
        return number(f, 1);
    case 'i':
    case 'I': {
        unsigned size = number(f, INT_BYTES);
        if (size > INT_BYTES_MAX)
            luaL_error(f->L, "integral size %d is larger than limit of %d", (int)size,
                       INT_BYTES_MAX);
        return size;
    }
    default:
        return 0;
    }
}

static struct field next_field(struct layout *f)
{
    struct field field = {.letter = *f->rest};
    if (field.letter) {
        f->rest++;
        field.size = size_of(f, field.letter);
        guard_spend(f->L, 1);
    }
    return field;
}

/* Zero bytes in front of the field, when it would begin at. */
static size_t padding(const struct layout *f, struct field field, size_t at)
{
    if (field.size == 0 || field.letter == 'c')
        return 0;
    size_t to = field.size < f->align ? field.size : f->align;
    return (to - (at & (to - 1))) & (to - 1);
}

/* What is not a value: sets how those behind it are read. */
static void set_layout(struct layout *f, char letter)
{
    switch (letter) {
    case ' ':
        return;
    case '<':
    case '>':
        f->big = letter == '>';
        return;
    case '!':
        f->align = number(f, ALIGN);
        if (f->align == 0 || f->align & (f->align - 1))
            luaL_error(f->L, "alignment %d is not a power of 2", (int)f->align);
        return;
    default:
        lua_pushfstring(f->L, "invalid format option '%c'", letter);
        luaL_argerror(f->L, 1, lua_tostring(f->L, -1));
    }
}

static struct layout layout_arg(lua_State *L)
{
    return (struct layout){.L = L, .rest = luaL_checkstring(L, 1), .align = 1};
}

/* ---- pack ---- */

/* As 64 bits: below zero as a signed number; what has no room there is 0, or 2^63 below zero. */
static uint64_t integer_of(double n)
{
    if (n >= 0x1p64)
        return 0;
    if (n >= 0)
        return (uint64_t)n;
    return n > -0x1p63 ? (uint64_t)(int64_t)n : (uint64_t)1 << 63; /* NaN, too */
}

static void pack_integer(const struct layout *f, struct buf *b, size_t size, uint64_t n)
{
    unsigned char bytes[INT_BYTES_MAX];
    must(size <= sizeof bytes);
    for (size_t i = 0; i < size; i++, n >>= 8)
        bytes[f->big ? size - 1 - i : i] = (unsigned char)n;
    guard_add(f->L, b, bytes, size);
}

static uint64_t float_bits(double n, size_t size)
{
    if (size == sizeof(float)) {
        float narrow = (float)n;
        uint32_t bits;
        memcpy(&bits, &narrow, sizeof bits);
        return bits;
    }
    uint64_t bits;
    memcpy(&bits, &n, sizeof bits);
    return bits;
}

static void pack_string(const struct layout *f, struct buf *b, struct field field, int arg)
{
    size_t len;
    const char *text = luaL_checklstring(f->L, arg, &len);
    if (field.letter == 's')
        field.size = len + 1; /* with its NUL */
    else if (field.size == 0)
        field.size = len;
    else
        luaL_argcheck(f->L, len >= field.size, arg + 1, "string too short");
    guard_add(f->L, b, text, field.size);
    guard_spend(f->L, len / 64);
}

/* Packs the argument arg when the field takes one; the next argument. */
static int pack_field(struct layout *f, struct buf *b, struct field field, int arg)
{
    static const char zeros[INT_BYTES_MAX];
    guard_add(f->L, b, zeros, padding(f, field, b->len));
    switch (field.letter) {
    case 'x':
        guard_add(f->L, b, zeros, 1);
        return arg;
    case 's':
    case 'c':
        pack_string(f, b, field, arg);
        return arg + 1;
    case 'f':
    case 'd':
        pack_integer(f, b, field.size, float_bits(luaL_checknumber(f->L, arg), field.size));
        return arg + 1;
    default:
        if (!strchr("bBhHlLTiI", field.letter)) {
            set_layout(f, field.letter);
            return arg;
        }
        pack_integer(f, b, field.size, integer_of(luaL_checknumber(f->L, arg)));
        return arg + 1;
    }
}

static int struct_pack(lua_State *L)
{
    struct layout f = layout_arg(L);
    struct buf *b = guard_scratch(L);
    int arg = 2;
    lua_pushnil(L); /* what is missing is called nil */
    for (struct field field; (field = next_field(&f)).letter;)
        arg = pack_field(&f, b, field, arg);
    lua_pushlstring(L, b->data, b->len);
    return 1;
}

/* ---- unpack ---- */

static uint64_t unpack_integer(const struct layout *f, const char *bytes, size_t size)
{
    uint64_t n = 0;
    for (size_t i = 0; i < size; i++)
        n = n << 8 | (unsigned char)bytes[f->big ? i : size - 1 - i];
    return n;
}

/* The sign is the highest bit of what is left of size bytes in a word: beyond a word that is where
 * it always was looked for, at the bit modulo 64. */
static double sign_extended(uint64_t n, size_t size)
{
    uint64_t from_sign = UINT64_MAX << ((size * 8 - 1) & 63);
    return (double)(int64_t)(n & from_sign ? n | from_sign : n);
}

static double float_of(uint64_t bits, size_t size)
{
    if (size == sizeof(float)) {
        uint32_t narrow_bits = (uint32_t)bits;
        float narrow;
        memcpy(&narrow, &narrow_bits, sizeof narrow);
        return narrow;
    }
    double n;
    memcpy(&n, &bits, sizeof n);
    return n;
}

struct unpack {
    struct layout f;
    struct slice data;
    size_t at; /* in data, or anywhere beyond */
    int values;
};

static void check_data(struct unpack *u, size_t size)
{
    bool there = size <= u->data.len && u->at <= u->data.len - size;
    luaL_argcheck(u->f.L, there, 2, "data string too short");
}

/* The bytes taken. */
static size_t unpack_counted(struct unpack *u, size_t size)
{
    lua_State *L = u->f.L;
    if (size == 0) {
        if (u->values == 0 || !lua_isnumber(L, -1))
            luaL_error(L, "format 'c0' needs a previous size");
        size = integer_of(lua_tonumber(L, -1));
        lua_pop(L, 1);
        u->values--;
        check_data(u, size);
    }
    lua_pushlstring(L, u->data.data + u->at, size);
    u->values++;
    guard_spend(L, size / 64);
    return size;
}

static size_t unpack_terminated(struct unpack *u)
{
    const char *start = u->data.data + u->at;
    const char *end = memchr(start, '\0', u->data.len - u->at);
    if (!end)
        luaL_error(u->f.L, "unfinished string in data");
    size_t len = (size_t)(end - start);
    lua_pushlstring(u->f.L, start, len);
    u->values++;
    guard_spend(u->f.L, len / 64);
    return len + 1;
}

static void unpack_field(struct unpack *u, struct field field)
{
    u->at += padding(&u->f, field, u->at);
    check_data(u, field.size);
    luaL_checkstack(u->f.L, 2, "too many results");
    if (field.letter == 'c') {
        u->at += unpack_counted(u, field.size);
        return;
    }
    if (field.letter == 's') {
        u->at += unpack_terminated(u);
        return;
    }
    if (!strchr("bBhHlLTiIfdx", field.letter)) {
        set_layout(&u->f, field.letter);
        return;
    }
    uint64_t bits = unpack_integer(&u->f, u->data.data + u->at, field.size);
    u->at += field.size;
    if (field.letter == 'x')
        return;
    if (field.letter == 'f' || field.letter == 'd')
        lua_pushnumber(u->f.L, float_of(bits, field.size));
    else if (islower((unsigned char)field.letter))
        lua_pushnumber(u->f.L, sign_extended(bits, field.size));
    else
        lua_pushnumber(u->f.L, (double)bits);
    u->values++;
}

static int struct_unpack(lua_State *L)
{
    struct unpack u = {.f = layout_arg(L)};
    u.data.data = luaL_checklstring(L, 2, &u.data.len);
    ptrdiff_t start = luaL_optinteger(L, 3, 1);
    luaL_argcheck(L, start != 0, 3, "offset must be 1 or greater"); /* below: beyond the data */
    u.at = (size_t)start - 1;
    for (struct field field; (field = next_field(&u.f)).letter;)
        unpack_field(&u, field);
    lua_pushinteger(L, (ptrdiff_t)(u.at + 1));
    return u.values + 1;
}

/* ---- size ---- */

static int struct_size(lua_State *L)
{
    struct layout f = layout_arg(L);
    size_t total = 0;
    for (struct field field; (field = next_field(&f)).letter;) {
        total += padding(&f, field, total) + field.size;
        if (field.letter == 's')
            luaL_argerror(L, 1, "option 's' has no fixed size");
        if (field.letter == 'c' && field.size == 0)
            luaL_argerror(L, 1, "option 'c0' has no fixed size");
        if (!isalnum((unsigned char)field.letter))
            set_layout(&f, field.letter);
    }
    lua_pushinteger(L, (ptrdiff_t)total);
    return 1;
}

void lua_struct_open(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"pack", struct_pack}, {"unpack", struct_unpack}, {"size", struct_size}, {NULL, NULL},
    };
    luaL_register(L, "struct", functions);
    lua_pop(L, 1);
}
