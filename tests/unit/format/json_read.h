/* SPDX-License-Identifier: BSD-3-Clause */
/* A small JSON reader for tests: one text into a tree. Only well-formed input; anything else fails
 * the check. Nodes live until json_free. Strings keep their bytes; \u is not known. */
#ifndef TESTS_UNIT_FORMAT_JSON_READ_H
#define TESTS_UNIT_FORMAT_JSON_READ_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "tests/unit/unit.h"

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
    enum json_kind kind;
    double number;
    struct buf text; /* string, or a number's text */
    char *name;      /* in an object */
    struct json *child, *next;
};

struct json_in {
    const char *at;
};

static inline struct json *json_value(struct json_in *in);

static inline void json_free(struct json *j)
{
    while (j) {
        struct json *next = j->next;
        json_free(j->child);
        buf_free(&j->text);
        free(j->name);
        free(j);
        j = next;
    }
}

static inline void json_blank(struct json_in *in)
{
    while (*in->at && strchr(" \t\r\n", *in->at))
        in->at++;
}

static inline void json_string(struct json_in *in, struct buf *to)
{
    CHECK(*in->at == '"');
    for (in->at++; *in->at != '"'; in->at++) {
        CHECK(*in->at != '\0');
        if (*in->at == '\\') {
            in->at++;
            CHECK(*in->at != 'u');
            buf_byte(to, (unsigned char)(*in->at == 'n' ? '\n' : *in->at));
        } else {
            buf_byte(to, (unsigned char)*in->at);
        }
    }
    in->at++;
}

static inline void json_members(struct json_in *in, struct json *j, char end)
{
    struct json **tail = &j->child;
    in->at++;
    json_blank(in);
    while (*in->at != end) {
        struct buf name = {0};
        if (j->kind == JSON_OBJECT) {
            json_string(in, &name);
            json_blank(in);
            CHECK(*in->at++ == ':');
        }
        *tail = json_value(in);
        if (j->kind == JSON_OBJECT)
            (*tail)->name = strdup(buf_cstr(&name));
        buf_free(&name);
        tail = &(*tail)->next;
        json_blank(in);
        if (*in->at == ',')
            in->at++;
        else
            CHECK(*in->at == end);
        json_blank(in);
    }
    in->at++;
}

static inline void json_number(struct json_in *in, struct json *j)
{
    char *end;
    j->kind = JSON_NUMBER;
    j->number = strtod(in->at, &end);
    CHECK(end != in->at);
    buf_append(&j->text, in->at, (size_t)(end - in->at));
    in->at = end;
}

static inline struct json *json_value(struct json_in *in)
{
    struct json *j = calloc(1, sizeof *j);
    json_blank(in);
    if (*in->at == '{' || *in->at == '[') {
        j->kind = *in->at == '{' ? JSON_OBJECT : JSON_ARRAY;
        json_members(in, j, *in->at == '{' ? '}' : ']');
    } else if (*in->at == '"') {
        j->kind = JSON_STRING;
        json_string(in, &j->text);
    } else if (strncmp(in->at, "null", 4) == 0) {
        in->at += 4;
    } else if (strncmp(in->at, "true", 4) == 0 || strncmp(in->at, "false", 5) == 0) {
        j->kind = JSON_BOOL;
        j->number = *in->at == 't';
        in->at += *in->at == 't' ? 4 : 5;
    } else {
        json_number(in, j);
    }
    return j;
}

static inline struct json *json_parse(const char *text)
{
    struct json_in in = {text};
    struct json *j = json_value(&in);
    json_blank(&in);
    CHECK(*in.at == '\0');
    return j;
}

static inline struct json *json_get(struct json *object, const char *name)
{
    for (struct json *j = object->child; j; j = j->next)
        if (j->name && strcmp(j->name, name) == 0)
            return j;
    return NULL;
}

static inline const char *json_text(struct json *object, const char *name)
{
    struct json *j = json_get(object, name);
    return j && j->kind == JSON_STRING ? buf_cstr(&j->text) : "";
}

/* Appends the bytes of a base64 text. */
static inline void json_base64(struct json *j, struct buf *to)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned bits = 0, n = 0;
    for (size_t i = 0; i < j->text.len && j->text.data[i] != '='; i++) {
        const char *digit = strchr(digits, j->text.data[i]);
        CHECK(digit != NULL);
        bits = bits << 6 | (unsigned)(digit - digits);
        n += 6;
        if (n >= 8) {
            n -= 8;
            buf_byte(to, (unsigned char)(bits >> n));
        }
    }
}

/* Equal trees. Times (numbers above 10^12) may differ by slack; null in want matches anything when
 * loose; object members that want has not are not looked at. */
static inline bool json_match(struct json *want, struct json *got, double slack, bool loose)
{
    if (want->kind == JSON_NULL && loose)
        return true;
    if (want->kind != got->kind)
        return false;
    if (want->kind == JSON_NUMBER) {
        double gap = want->number > got->number ? want->number - got->number
                                                : got->number - want->number;
        return slice_eq(buf_slice(&want->text), buf_slice(&got->text)) ||
               (want->number > 1e12 && gap <= slack);
    }
    if (want->kind == JSON_STRING)
        return slice_eq(buf_slice(&want->text), buf_slice(&got->text));
    if (want->kind == JSON_BOOL)
        return want->number == got->number;
    if (want->kind == JSON_OBJECT) {
        for (struct json *w = want->child; w; w = w->next) {
            struct json *g = json_get(got, w->name);
            if (!g || !json_match(w, g, slack, loose))
                return false;
        }
        return true;
    }
    struct json *g = got->child;
    for (struct json *w = want->child; w; w = w->next, g = g->next)
        if (!g || !json_match(w, g, slack, loose))
            return false;
    return g == NULL;
}

#endif
