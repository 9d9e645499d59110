/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"
#include "tools/library_text.h"

static void the_name_of_a_library(void)
{
    static const struct {
        const char *source, *name;
    } rows[] = {
        {"#!lua name=lib\nreturn", "lib"}, {"#!lua name=a b\n", "a"}, {"#!lua name=x\r\ny", "x"},
        {"#!lua\nname=later", ""}, {"", ""}, {"name=", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK(slice_eq_str(library_name(slice_str(rows[i].source)), rows[i].name));
}

static void a_record_of_one(void)
{
    static const struct {
        const char *bytes;
        size_t n;
        const char *name;
    } rows[] = {
#define ROW(bytes, name) {bytes, sizeof bytes - 1, name}
        ROW("\xf5\x10#!lua name=mylib\nreturn", "mylib"),
        ROW("\xf5\x42\x01#!lua name=a_1 \n", "a_1"),
        ROW("\xf5\x80\0\1\0\0#!lua name=large\n", "large"),
        ROW("\xf5\xc3\x30\x41\x00\x0f#!lua name=packd\x20\1\n", "packd"),
        ROW("\xf5\xc3\x30\x41\x00\x0c#!lua name=cut off", "cu"), /* the rest is not as it was */
        ROW("\xf5\x10#!lua names=x\n", ""), ROW("\xf4\x10#!lua name=mylib\n", ""),
        ROW("\xf5\x10#!lua name=", ""), ROW("\xf5\x10#!", ""), ROW("\xf5", ""), ROW("", ""),
        ROW("\xf5\xc3\x30", ""), ROW("\xf5\xc3\x30\x41\x00\x7f#!lua name=x\n", ""),
        ROW("\xf5\x10lua name=mylib\n", ""), ROW("\xf5\x10#!lua name=\xff\n", ""),
#undef ROW
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct slice name = {"", 0};
        bool is = library_record_begins(slice(rows[i].bytes, rows[i].n), &name);
        CHECK(is == (*rows[i].name != '\0'));
        CHECK(slice_eq_str(name, rows[i].name));
    }
}

int main(void)
{
    return UNIT_RUN(UNIT(the_name_of_a_library), UNIT(a_record_of_one));
}
