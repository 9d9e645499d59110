/* SPDX-License-Identifier: BSD-3-Clause */
/* Tokens of a JSON text, one after the other. More lenient than the format: any byte but NUL may
 * stand in a string, and if asked for, whatever strtod takes for a number is one. */
#ifndef SCRIPTING_LUA_CJSON_LEX_H
#define SCRIPTING_LUA_CJSON_LEX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "scripting/lua51.h"

enum cjson_token {
    CJSON_OBJ_BEGIN,
    CJSON_OBJ_END,
    CJSON_ARR_BEGIN,
    CJSON_ARR_END,
    CJSON_STRING, /* text */
    CJSON_NUMBER, /* number */
    CJSON_BOOLEAN, /* truth */
    CJSON_NULL,
    CJSON_COLON,
    CJSON_COMMA,
    CJSON_END, /* of the text, or a NUL in it */
    CJSON_ERROR, /* error: what it is */
};

/* Made by naming L, text, lenient, and at and paid (text, too); the rest is zero. */
struct cjson_lexer {
    lua_State *L;
    const char *text, *at; /* all of it, with a NUL behind; what comes next */
    const char *paid;      /* a unit of work was told for each byte up to here */
    bool lenient;          /* in numbers */
    enum cjson_token token;
    const char *start; /* the token's; for an error the place of it */
    struct slice string; /* in the text or the scratch buffer: until the next token */
    double number;
    bool truth;
    const char *error;
};

enum cjson_token cjson_next(struct cjson_lexer *x); /* the token, also in x->token */
/* Raises "Expected <what> but found <token> at character <its place>". */
int cjson_expected(struct cjson_lexer *x, const char *what);

#endif
