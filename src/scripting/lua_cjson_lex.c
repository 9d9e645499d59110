/* SPDX-License-Identifier: BSD-3-Clause */
/* A text of Lua's has a NUL behind it, the token of the end: no look ahead needs to ask how much is
 * left, as long as it stops at the first byte that does not fit. */
#include "scripting/lua_cjson_lex.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <strings.h>

#include "base/must.h"
#include "base/num.h"
#include "scripting/guard.h"

static enum cjson_token fail(struct cjson_lexer *x, const char *where, const char *error)
{
    x->start = where;
    x->error = error;
    return CJSON_ERROR;
}

/* ---- strings ---- */

/* The number that four hexadecimal digits are; -1: they are not. */
static int read_code_unit(const char *p)
{
    int n = 0;
    for (int i = 0; i < 4; i++) {
        int digit = num_hex_digit(p[i]);
        if (digit < 0)
            return -1;
        n = n << 4 | digit;
    }
    return n;
}

/* A character from p, behind "\u"; -1: there is none. Two halves of a pair are one. */
static int32_t read_character(const char **p)
{
    int unit = read_code_unit(*p);
    if (unit < 0 || (unit & 0xf800) != 0xd800) {
        *p += 4;
        return unit;
    }
    if ((unit & 0xfc00) != 0xd800 || (*p)[4] != '\\' || (*p)[5] != 'u')
        return -1;
    int low = read_code_unit(*p + 6);
    if (low < 0 || (low & 0xfc00) != 0xdc00)
        return -1;
    *p += 10;
    return 0x10000 + ((unit & 0x3ff) << 10) + (low & 0x3ff);
}

static size_t encode_utf8(char out[4], uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t len = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const uint8_t head[5] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = len - 1; i > 0; i--, c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)(head[len] | c);
    return len;
}

/* What the escape at *p (a backslash) stands for is appended; NULL, or what is wrong with it. */
static const char *unescape(struct cjson_lexer *x, struct buf *out, const char **p)
{
    static const char plain[256] = {['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
                                    ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t'};
    char utf8[4], kind = (*p)[1];
    if (kind != 'u') {
        if (!plain[(unsigned char)kind])
            return "invalid escape code";
        guard_add(x->L, out, &plain[(unsigned char)kind], 1);
        *p += 2;
        return NULL;
    }
    const char *digits = *p + 2;
    int32_t c = read_character(&digits);
    if (c < 0)
        return "invalid unicode escape code";
    guard_add(x->L, out, utf8, encode_utf8(utf8, (uint32_t)c));
    *p = digits;
    return NULL;
}

static const char *skip_plain(const char *p)
{
    static const bool special[256] = {[0] = true, ['"'] = true, ['\\'] = true};
    while (!special[(unsigned char)*p])
        p++;
    return p;
}

static enum cjson_token read_string(struct cjson_lexer *x)
{
    const char *from = x->at + 1, *p = skip_plain(from);
    if (*p == '"') { /* as it stands */
        x->string = slice(from, (size_t)(p - from));
        x->at = p + 1;
        return CJSON_STRING;
    }
    struct buf *out = guard_scratch(x->L);
    for (;;) {
        guard_add(x->L, out, from, (size_t)(p - from));
        if (*p != '\\')
            break;
        const char *where = p, *error = unescape(x, out, &p);
        if (error)
            return fail(x, where, error);
        from = p;
        p = skip_plain(from);
    }
    if (*p == '\0')
        return fail(x, p, "unexpected end of string");
    x->string = buf_slice(out);
    x->at = p + 1;
    return CJSON_STRING;
}

/* ---- numbers ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static bool is_name_char(char c)
{
    return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_';
}

static const char *skip_digits(const char *p, bool hex)
{
    while (hex ? num_hex_digit(*p) >= 0 : is_digit(*p))
        p++;
    return p;
}

/* Behind the digits of [digits][.digits][exponent]; NULL: there is none. */
static const char *skip_real(const char *p, bool hex)
{
    const char *whole = skip_digits(p, hex);
    size_t digits = (size_t)(whole - p);
    p = whole;
    if (*p == '.') {
        const char *fraction = skip_digits(p + 1, hex);
        digits += (size_t)(fraction - (p + 1));
        p = fraction;
    }
    if (digits == 0)
        return NULL;
    if ((*p | 0x20) == (hex ? 'p' : 'e')) {
        const char *exponent = p + 1 + (p[1] == '-' || p[1] == '+');
        if (is_digit(*exponent))
            p = skip_digits(exponent, false);
    }
    return p;
}

/* Behind a "nan", or "nan(...)". */
static const char *skip_nan(const char *p)
{
    p += 3;
    if (*p != '(')
        return p;
    const char *inside = p + 1;
    while (is_name_char(*inside))
        inside++;
    return *inside == ')' ? inside + 1 : p;
}

/* Behind what strtod would take for a number; NULL: nothing. */
static const char *skip_number(const char *p)
{
    p += *p == '-' || *p == '+';
    if (strncasecmp(p, "nan", 3) == 0)
        return skip_nan(p);
    if (strncasecmp(p, "inf", 3) == 0)
        return p + (strncasecmp(p, "infinity", 8) == 0 ? 8 : 3);
    if (p[0] == '0' && (p[1] | 0x20) == 'x') {
        const char *end = skip_real(p + 2, true);
        return end ? end : p + 1;
    }
    return skip_real(p, false);
}

/* Of up to 15 digits: exact as a double. False: it is something else, or -0. */
static bool read_short_integer(struct cjson_lexer *x)
{
    const char *p = x->at + (*x->at == '-'), *from = p;
    int64_t n = 0;
    for (; is_digit(*p) && p - from < 15; p++)
        n = n * 10 + (*p - '0');
    if (p == from || is_digit(*p) || *p == '.' || (*p | 0x20) == 'e' || (*p | 0x20) == 'x')
        return false;
    if (n == 0 && *x->at == '-')
        return false;
    x->number = (double)(*x->at == '-' ? -n : n);
    x->at = p;
    return true;
}

/* Not a number of JSON, though strtod knows it: zeros in front, hexadecimal, inf and nan. */
static bool is_invalid(const char *p)
{
    p += *p == '-';
    if (*p == '0')
        return is_digit(p[1]) || (p[1] | 0x20) == 'x';
    return strncasecmp(p, "inf", 3) == 0 || strncasecmp(p, "nan", 3) == 0;
}

static enum cjson_token read_number(struct cjson_lexer *x)
{
    if (!x->lenient && is_invalid(x->at))
        return fail(x, x->at, "invalid number");
    if (read_short_integer(x))
        return CJSON_NUMBER;
    const char *end = skip_number(x->at);
    if (!end)
        return fail(x, x->at, "invalid number");
    /* It refuses what is out of range, very long, or nan. The program has the locale "C". */
    if (!num_parse_double(slice(x->at, (size_t)(end - x->at)), &x->number))
        x->number = strtod(x->at, NULL);
    x->at = end;
    return CJSON_NUMBER;
}

/* ---- tokens ---- */

static enum cjson_token read_word(struct cjson_lexer *x, const char *word, size_t len,
                                  enum cjson_token token)
{
    if (strncmp(x->at, word, len) == 0) {
        x->at += len;
        x->truth = *word == 't';
        return token;
    }
    /* nan and inf are numbers */
    if (x->lenient && (strncasecmp(x->at, "nan", 3) == 0 || strncasecmp(x->at, "inf", 3) == 0))
        return read_number(x);
    return fail(x, x->at, "invalid token");
}

static enum cjson_token one(struct cjson_lexer *x, enum cjson_token token)
{
    x->at++;
    return token;
}

static enum cjson_token read_token(struct cjson_lexer *x)
{
    switch (*x->at) {
    case '"':
        return read_string(x);
    case ',':
        return one(x, CJSON_COMMA);
    case ':':
        return one(x, CJSON_COLON);
    case '{':
        return one(x, CJSON_OBJ_BEGIN);
    case '}':
        return one(x, CJSON_OBJ_END);
    case '[':
        return one(x, CJSON_ARR_BEGIN);
    case ']':
        return one(x, CJSON_ARR_END);
    case '+':
        return x->lenient ? read_number(x) : fail(x, x->at, "invalid token");
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9':
        return read_number(x);
    case 't':
        return read_word(x, "true", 4, CJSON_BOOLEAN);
    case 'f':
        return read_word(x, "false", 5, CJSON_BOOLEAN);
    case '\0':
        return CJSON_END;
    default: /* maybe NaN or Inf */
        return read_word(x, "null", 4, CJSON_NULL);
    }
}

enum cjson_token cjson_next(struct cjson_lexer *x)
{
    if (x->at - x->paid >= 64) {
        guard_spend(x->L, (size_t)(x->at - x->paid));
        x->paid = x->at;
    }
    while (*x->at == ' ' || *x->at == '\n' || *x->at == '\t' || *x->at == '\r')
        x->at++;
    x->start = x->at;
    x->token = read_token(x);
    return x->token;
}

int cjson_expected(struct cjson_lexer *x, const char *what)
{
    static const char *const names[] = {
        "T_OBJ_BEGIN", "T_OBJ_END", "T_ARR_BEGIN", "T_ARR_END", "T_STRING", "T_NUMBER",
        "T_BOOLEAN",   "T_NULL",    "T_COLON",     "T_COMMA",   "T_END"};
    must(x->token <= CJSON_ERROR && x->start >= x->text);
    const char *found = x->token == CJSON_ERROR ? x->error : names[x->token];
    return luaL_error(x->L, "Expected %s but found %s at character %d", what, found,
                      (int)(x->start - x->text) + 1);
}
