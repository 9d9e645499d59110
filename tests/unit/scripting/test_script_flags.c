/* SPDX-License-Identifier: BSD-3-Clause */
#include "scripting/script_flags.h"

#include "base/buf.h"
#include "server/command_row.h"
#include "tests/unit/unit.h"

static void heads_of_scripts(void)
{
    static const struct {
        const char *script, *body, *error;
        uint32_t flags;
    } rows[] = {
        {"return 1", "return 1", NULL, SCRIPT_UNDECLARED},
        {"", "", NULL, SCRIPT_UNDECLARED},
        {"#", "#", NULL, SCRIPT_UNDECLARED},
        {" #!lua\nx", " #!lua\nx", NULL, SCRIPT_UNDECLARED},
        {"#!lua\nx", "\nx", NULL, 0},
        {"#!lua\n", "\n", NULL, 0},
        {"#!lua flags=\nx", "\nx", NULL, 0},
        {"#!lua flags=no-writes\nx", "\nx", NULL, SCRIPT_NO_WRITES},
        {"#!lua flags=allow-oom,allow-stale,no-cluster,allow-cross-slot-keys\nx", "\nx", NULL,
         SCRIPT_ALLOW_OOM | SCRIPT_ALLOW_STALE | SCRIPT_NO_CLUSTER | SCRIPT_CROSS_SLOT},
        {"#!lua   \"flags=no-writes\"  \nx", "\nx", NULL, SCRIPT_NO_WRITES},
        {"#!lua flags=no-writes flags=allow-oom\nx", "\nx", NULL,
         SCRIPT_NO_WRITES | SCRIPT_ALLOW_OOM},
        {"#!lua flags=no-writes,\nx", NULL, "ERR Unexpected flag in script shebang: ", 0},
        {"#!lua flags=No-Writes\nx", NULL, "ERR Unexpected flag in script shebang: No-Writes", 0},
        {"#!lua flag=no-writes\nx", NULL, "ERR Unknown lua shebang option: flag=no-writes", 0},
        {"#!lua", NULL, "ERR Invalid script shebang", 0},
        {"#!\nx", NULL, "ERR Unexpected engine in script shebang: #!", 0},
        {"#!js\nx", NULL, "ERR Unexpected engine in script shebang: #!js", 0},
        {"#!lua 'x\nx", NULL, "ERR Invalid engine in script shebang", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint32_t flags;
        struct slice body;
        struct buf error = {0};
        bool ok = script_parse_head(slice_str(rows[i].script), &flags, &body, &error);
        CHECK_INT(ok, rows[i].error == NULL);
        if (ok) {
            CHECK_SLICE(body, slice_str(rows[i].body));
            CHECK_INT(flags, rows[i].flags);
        } else {
            CHECK_STR(buf_cstr(&error), rows[i].error);
        }
        buf_free(&error);
    }
}

static void heads_of_libraries(void)
{
    static const struct {
        const char *code, *engine, *name, *error;
    } rows[] = {
        {"#!lua name=a\nx", "lua", "a", NULL},
        {"#!LUA  name=a \nx", "LUA", "a", NULL},
        {"#!lua name=\nx", "lua", "", NULL},
        {"#!lua 'name=a b'\nx", "lua", "a b", NULL},
        {"#!lua\nx", NULL, NULL, "ERR Library name was not given"},
        {"#!lua name=a name=b\nx", NULL, NULL,
         "ERR Invalid metadata value, name argument was given multiple times"},
        {"#!lua nam=a\nx", NULL, NULL, "ERR Invalid metadata value given: nam=a"},
        {"#!lua name=a", NULL, NULL, "ERR Invalid library metadata"},
        {"#!lua \"name=a\nx", NULL, NULL, "ERR Invalid library metadata"},
        {"x", NULL, NULL, "ERR Missing library metadata"},
        {"", NULL, NULL, "ERR Missing library metadata"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct library_head head;
        struct buf hold = {0}, error = {0};
        bool ok = library_parse_head(slice_str(rows[i].code), &head, &hold, &error);
        CHECK_INT(ok, rows[i].error == NULL);
        if (ok) {
            CHECK_SLICE(head.engine, slice_str(rows[i].engine));
            CHECK_SLICE(head.name, slice_str(rows[i].name));
            CHECK_STR(head.body.data, "\nx");
        } else {
            CHECK_STR(buf_cstr(&error), rows[i].error);
        }
        buf_free(&hold);
        buf_free(&error);
    }
}

static void many_words_are_no_head(void)
{
    struct buf code = {0}, hold = {0}, error = {0};
    struct library_head head;
    uint32_t flags;
    struct slice body;
    buf_printf(&code, "#!lua");
    for (int i = 0; i < 1000; i++)
        buf_printf(&code, " x");
    buf_printf(&code, "\nx");
    CHECK(!library_parse_head(buf_slice(&code), &head, &hold, &error));
    buf_clear(&error);
    CHECK(!script_parse_head(buf_slice(&code), &flags, &body, &error));
    CHECK_STR(buf_cstr(&error), "ERR Invalid engine in script shebang");
    buf_free(&code);
    buf_free(&hold);
    buf_free(&error);
}

static void what_flags_mean(void)
{
    uint32_t row = CMD_NOSCRIPT | CMD_STALE | CMD_MAY_REPLICATE;
    CHECK_INT(script_command_flags(SCRIPT_UNDECLARED, row), row);
    CHECK_INT(script_command_flags(0, row),
              CMD_NOSCRIPT | CMD_MAY_REPLICATE | CMD_WRITE | CMD_DENYOOM);
    CHECK_INT(script_command_flags(SCRIPT_ALLOW_OOM, row),
              CMD_NOSCRIPT | CMD_MAY_REPLICATE | CMD_WRITE);
    CHECK_INT(script_command_flags(SCRIPT_NO_WRITES | SCRIPT_ALLOW_STALE, row),
              CMD_NOSCRIPT | CMD_STALE);
    CHECK_INT(script_flag(SLICE_LIT("allow-cross-slot-keys")), SCRIPT_CROSS_SLOT);
    CHECK_INT(script_flag(SLICE_LIT("")), 0);
    CHECK_STR(script_flag_name(1), "allow-oom");
    CHECK(script_flag_name(5) == NULL && script_flag_name(500) == NULL);
}

int main(void)
{
    return UNIT_RUN(UNIT(heads_of_scripts), UNIT(heads_of_libraries),
                    UNIT(many_words_are_no_head), UNIT(what_flags_mean));
}
