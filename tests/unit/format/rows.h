/* SPDX-License-Identifier: BSD-3-Clause */
/* The lines of a .jsonl: what a data set is to hold, compared with what was read. */
#ifndef TESTS_UNIT_FORMAT_ROWS_H
#define TESTS_UNIT_FORMAT_ROWS_H

#include "tests/unit/format/json_read.h"

static inline struct json *find_key(struct json *lines, struct json *want)
{
    struct json *key = json_get(want, "key"), *db = json_get(want, "db");
    for (struct json *j = lines; j; j = j->next)
        if (slice_eq(buf_slice(&json_get(j, "key")->text), buf_slice(&key->text)) &&
            json_get(j, "db")->number == db->number)
            return j;
    return NULL;
}

static inline struct json *parse_lines(char *text)
{
    struct json *first = NULL, **tail = &first;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        *tail = json_parse(line);
        tail = &(*tail)->next;
    }
    return first;
}

/* The score's text follows the server's version: only its bits count. */
static inline void drop_score_texts(struct json *row)
{
    for (struct json *j = json_get(row, "value")->child; j; j = j->next) {
        struct json *text = j->child->next;
        text->kind = JSON_NULL;
    }
}

static inline void check_row(struct json *want, struct json *lines, const char *file)
{
    enum { SLACK_MS = 2000 };
    struct json *got = find_key(lines, want), *expire = json_get(want, "pexpireat");
    CHECK(got != NULL);
    CHECK_STR(json_text(got, "type"), json_text(want, "type"));
    if (expire->kind != JSON_STRING)
        CHECK(json_match(expire, json_get(got, "pexpireat"), 0, false));
    if (strcmp(json_text(want, "type"), "module") == 0)
        return;
    bool stream = strcmp(json_text(want, "type"), "stream") == 0;
    bool zset = strcmp(json_text(want, "type"), "zset") == 0;
    if (zset)
        drop_score_texts(want);
    if (!json_match(json_get(want, "value"), json_get(got, "value"), stream ? SLACK_MS : 0,
                    stream || zset)) {
        printf("%s: key %s differs\n", file, json_text(want, "key"));
        CHECK(false);
    }
}

#endif
