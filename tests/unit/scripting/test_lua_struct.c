/* SPDX-License-Identifier: BSD-3-Clause */
#include "scripting/lua_struct.h"

#include "tests/unit/scripting/lua_rows.h"

/* Beside the installed redis-server: what it answers. */
static const struct lua_row rows[] = {
    /* integers */
    {"return struct.pack('<i4', 1), struct.pack('>i4', 1), struct.pack('i', 1), "
     "struct.pack('i3', -2), struct.pack('>i3', -2), struct.pack('i0', 1)",
     "\\001\\000\\000\\000 | \\000\\000\\000\\001 | \\001\\000\\000\\000 | \\254\\255\\255 | "
     "\\255\\255\\254 | "},
    {"return struct.pack('b', 200), struct.pack('B', 300), struct.pack('h', -1), "
     "struct.pack('>H', 70000), struct.pack('l', -1), struct.pack('T', 1)",
     "\\200 | , | \\255\\255 | \\017p | \\255\\255\\255\\255\\255\\255\\255\\255 | "
     "\\001\\000\\000\\000\\000\\000\\000\\000"},
    {"return struct.pack('i9', 5), struct.pack('>I10', 5), struct.pack('i16', -1)",
     "\\005\\000\\000\\000\\000\\000\\000\\000\\000 | "
     "\\000\\000\\000\\000\\000\\000\\000\\000\\000\\005 | "
     "\\255\\255\\255\\255\\255\\255\\255\\255\\000\\000\\000\\000\\000\\000\\000\\000"},
    {"return struct.pack('i8', 2^53), struct.pack('i8', 2^63), struct.pack('I8', 2^64), "
     "struct.pack('I8', -1), struct.pack('I8', 1.5), struct.pack('i8', -1.5)",
     "\\000\\000\\000\\000\\000\\000 \\000 | \\000\\000\\000\\000\\000\\000\\000\\128 | "
     "\\000\\000\\000\\000\\000\\000\\000\\000 | \\255\\255\\255\\255\\255\\255\\255\\255 "
     "| \\001\\000\\000\\000\\000\\000\\000\\000 | "
     "\\255\\255\\255\\255\\255\\255\\255\\255"},
    {"return struct.pack('I4', 0/0), struct.pack('I8', 0/0), struct.pack('I8', 1/0), "
     "struct.pack('I8', -1/0), struct.pack('i8', 1e300), struct.pack('i8', -1e300)",
     "\\000\\000\\000\\000 | \\000\\000\\000\\000\\000\\000\\000\\128 | "
     "\\000\\000\\000\\000\\000\\000\\000\\000 | \\000\\000\\000\\000\\000\\000\\000\\128 "
     "| \\000\\000\\000\\000\\000\\000\\000\\000 | "
     "\\000\\000\\000\\000\\000\\000\\000\\128"},
    {"return struct.unpack('bBhHlLT', ('\\255'):rep(30))",
     "-1 | 255 | -1 | 65535 | -1 | 1.8446744073709552e+19 | 1.8446744073709552e+19 | 31"},
    {"return all(struct.unpack('i3', '\\255\\255\\255')), all(struct.unpack('I3', "
     "'\\255\\255\\255')), all(struct.unpack('>i3', '\\128\\0\\1')), "
     "all(struct.unpack('i5', '\\0\\0\\0\\0\\128')), all(struct.unpack('i0', ''))",
     "<-1 4> | <16777215 4> | <-8388607 4> | <-549755813888 6> | <0 1>"},
    {"return all(struct.unpack('i16', ('\\255'):rep(16))), all(struct.unpack('>I32', "
     "('\\255'):rep(31) .. '\\1')), all(struct.unpack('i9', "
     "'\\200\\0\\0\\0\\0\\0\\0\\0\\0')), all(struct.unpack('i9', "
     "'\\100\\0\\0\\0\\0\\0\\0\\0\\0'))",
     "<-1 17> | <1.844674407371e+19 33> | <-56 10> | <100 10>"},
    {"return struct.pack('i8', -2^50), struct.pack('>I8', -2^62), struct.pack('i8', -2^63 - "
     "2^20)",
     "\\000\\000\\000\\000\\000\\000\\252\\255 | \\192\\000\\000\\000\\000\\000\\000\\000 | "
     "\\000\\000\\000\\000\\000\\000\\000\\128"},
    /* floats */
    {"return struct.pack('f', 1.5), struct.pack('>f', 1.5), struct.pack('d', 1.5), "
     "struct.pack('>d', -1.5), struct.pack('f', 1e300), struct.pack('f', -1/0)",
     "\\000\\000\\192? | ?\\192\\000\\000 | \\000\\000\\000\\000\\000\\000\\248? | "
     "\\191\\248\\000\\000\\000\\000\\000\\000 | \\000\\000\\128\\127 | "
     "\\000\\000\\128\\255"},
    {"return all(struct.unpack('f', struct.pack('f', 1.1))), all(struct.unpack('>d', "
     "struct.pack('>d', 1.1))), all(struct.unpack('d', struct.pack('d', 1/0)))",
     "<1.1000000238419 5> | <1.1 9> | <inf 9>"},
    /* strings */
    {"return struct.pack('s', 'x\\0yz'), struct.pack('s', ''), struct.pack('s', 12), "
     "struct.pack('c', 'xyz'), struct.pack('c2', 'xyz'), struct.pack('c0', 'xyz'), "
     "struct.pack('c0', '')",
     "x\\000yz\\000 | \\000 | 12\\000 | x | xy | xyz | "},
    {"return all(struct.unpack('s', 'x\\0yz')), all(struct.unpack('ss', 'a\\0b\\0', 1)), "
     "all(struct.unpack('c2', 'xyz')), all(struct.unpack('cc', 'xyz'))",
     "<x 3> | <a b 5> | <xy 3> | <x y 3>"},
    {"return all(struct.unpack('Bc0', '\\2xyz')), all(struct.unpack('Bc0', '\\0x')), "
     "all(struct.unpack('sc0', '3\\0abcd')), all(struct.unpack('dc0', struct.pack('d', "
     "1.5) .. 'xyz')), all(struct.unpack('Bxc0', '\\3x\\0abcd'))",
     "<xy 4> | < 2> | <abc 6> | <x 10> | <\\000ab 6>"},
    {"return all(struct.unpack('dc0', struct.pack('d', 1e30) .. 'xyz')), struct.pack('Bc0', "
     "3, 'abc'), all(struct.unpack('!BBc0i', '\\1\\2xxabcdefgh'))",
     "< 9> | \\003abc | <1 xx 1684234849 9>"},
    /* order, alignment, padding */
    {"return struct.pack('!8bi', 1, 2), struct.pack('!8 b h', 1, 2), struct.pack('!bd', 1, "
     "2), struct.pack('!4bd', 1, 2), struct.pack('bi', 1, 2)",
     "\\001\\000\\000\\000\\002\\000\\000\\000 | \\001\\000\\002\\000 | "
     "\\001\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000@ | "
     "\\001\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000@ | \\001\\002\\000\\000\\000"},
    {"return struct.pack('<!4>bi<i', 1, 2, 3), struct.pack('x'), struct.pack('xxB', 1), "
     "struct.pack('>!bi', 1, 2), struct.pack('!1bi', 1, 2), struct.pack('')",
     "\\001\\000\\000\\000\\000\\000\\000\\002\\003\\000\\000\\000 | \\000 | \\000\\000\\001 "
     "| \\001\\000\\000\\000\\000\\000\\000\\002 | \\001\\002\\000\\000\\000 | "},
    {"return all(struct.unpack('!8bi', struct.pack('!8bi', 1, 2))), all(struct.unpack('!8bi', "
     "struct.pack('!8bi', 1, 2), 2)), all(struct.unpack('xB', 'xyz', 2))",
     "<1 2 9> | <0 2 9> | <122 4>"},
    {"return struct.size('!i1i4'), struct.size('i1i4'), struct.size('!4i1d'), "
     "struct.size('!i1x'), struct.size('!16i1i16'), struct.size('!i1i3'), "
     "struct.size('!i1i6'), struct.size('!64i1d')",
     "8 | 5 | 12 | 2 | 32 | 6 | 12 | 16"},
    {"return struct.size(''), struct.size('x'), struct.size('lThfdbic10c'), struct.size(' b b "
     "'), struct.size('y4'), struct.size('b\\0b'), struct.size('c2147483647c2147483647c2')",
     "0 | 1 | 46 | 2 | 0 | 1 | 4294967296"},
    /* places */
    {"return all(struct.unpack('', 'xyz', 40)), all(struct.unpack('', 'xyz', -40)), "
     "all(struct.unpack('B', 'xyz', 3)), all(struct.unpack('B', 'xyz', nil)), "
     "all(struct.unpack('B', 'xyz', '2'))",
     "<40> | <-40> | <122 4> | <120 2> | <121 3>"},
    {"return struct.unpack('B', 'xyz', 0)",
     "error: bad argument #3 to 'unpack' (offset must be 1 or greater)"},
    {"return struct.unpack('B', 'xyz', -1)",
     "error: bad argument #2 to 'unpack' (data string too short)"},
    {"return struct.unpack('B', 'xyz', 4)",
     "error: bad argument #2 to 'unpack' (data string too short)"},
    {"return struct.unpack('B', 'xyz', 2^31)",
     "error: bad argument #2 to 'unpack' (data string too short)"},
    {"return struct.unpack('B', 'xyz', 2^32 + 1)",
     "error: bad argument #2 to 'unpack' (data string too short)"},
    {"return struct.unpack('B', 'xyz', 2^63)",
     "error: bad argument #2 to 'unpack' (data string too short)"},
    {"return struct.unpack('B', 'xyz', 0/0)",
     "error: bad argument #2 to 'unpack' (data string too short)"},
    {"return struct.unpack('!4i', 'abcd', -1)",
     "error: bad argument #2 to 'unpack' (data string too short)"},
    {"return struct.unpack('!4i', 'abcd', 2)",
     "error: bad argument #2 to 'unpack' (data string too short)"},
    {"return struct.unpack('x', '')", "error: bad argument #2 to 'unpack' (data string too short)"},
    {"return struct.unpack('i4', 'abcd', -3)",
     "error: bad argument #2 to 'unpack' (data string too short)"},
    {"return struct.unpack('s', 'abc\\0', 5)", "error: unfinished string in data"},
    {"return struct.unpack('s', 'abc\\0', 6)",
     "error: bad argument #2 to 'unpack' (data string too short)"},
    /* errors */
    {"return struct.pack('=')", "error: bad argument #1 to 'pack' (invalid format option '=')"},
    {"return struct.size('\\tb')", "error: bad argument #1 to 'size' (invalid format option '\t')"},
    {"return struct.pack('h4', 1)", "error: bad argument #1 to 'pack' (invalid format option '4')"},
    {"return struct.unpack('A', 'x')",
     "error: bad argument #1 to 'unpack' (invalid format option 'A')"},
    {"return struct.pack('i33', 1)", "error: integral size 33 is larger than limit of 32"},
    {"return struct.size('i99999999999')", "error: integral size overflow"},
    {"return struct.size('c4294967295')", "error: integral size overflow"},
    {"return struct.pack('c2147483648', 'x')", "error: integral size overflow"},
    {"return struct.pack('c2147483647', 'x')",
     "error: bad argument #3 to 'pack' (string too short)"},
    {"return struct.unpack('c2147483647', 'x')",
     "error: bad argument #2 to 'unpack' (data string too short)"},
    {"return struct.pack('cc', 'a', '')", "error: bad argument #4 to 'pack' (string too short)"},
    {"return struct.size('!3b')", "error: alignment 3 is not a power of 2"},
    {"return struct.size('!0b')", "error: alignment 0 is not a power of 2"},
    {"return struct.size('!2147483648b')", "error: integral size overflow"},
    {"return struct.size('s')", "error: bad argument #1 to 'size' (option 's' has no fixed size)"},
    {"return struct.size('c0')",
     "error: bad argument #1 to 'size' (option 'c0' has no fixed size)"},
    {"return struct.unpack('s', 'xyz')", "error: unfinished string in data"},
    {"return struct.unpack('c0', 'xyz')", "error: format 'c0' needs a previous size"},
    {"return struct.unpack('cc0', 'axyz')", "error: format 'c0' needs a previous size"},
    {"return struct.unpack('Bc0c0', '\\1\\2ab')", "error: format 'c0' needs a previous size"},
    {"return struct.unpack('Bc0', '\\5xyz')",
     "error: bad argument #2 to 'unpack' (data string too short)"},
    {"return struct.unpack('bc0', '\\255xyz')",
     "error: bad argument #2 to 'unpack' (data string too short)"},
    {"return struct.unpack('i', 'xyz')",
     "error: bad argument #2 to 'unpack' (data string too short)"},
    {"return struct.unpack(('b'):rep(8100), ('x'):rep(8100))",
     "error: stack overflow (too many results)"},
    {"return struct.pack('ii', 1)", "error: bad argument #3 to 'pack' (number expected, got nil)"},
    {"return struct.pack('s')", "error: bad argument #2 to 'pack' (string expected, got nil)"},
    {"return struct.pack('i', 'x')",
     "error: bad argument #2 to 'pack' (number expected, got string)"},
    {"return struct.pack('s', {})",
     "error: bad argument #2 to 'pack' (string expected, got table)"},
    {"return struct.pack()", "error: bad argument #1 to 'pack' (string expected, got no value)"},
    {"return struct.unpack('i')",
     "error: bad argument #2 to 'unpack' (string expected, got no value)"},
    {"return struct.unpack('i', 'abcd', 'x')",
     "error: bad argument #3 to 'unpack' (number expected, got string)"},
    {"return struct.size({})", "error: bad argument #1 to 'size' (string expected, got table)"},
};
static void answers_as_ever(void)
{
    lua_rows_check(rows, sizeof rows / sizeof *rows, lua_struct_open);
}

static void what_is_packed_is_unpacked(void)
{
    lua_script_check("local f = '<!8 b>H<i5 I8 T f d s c3 x B!2i7' "
                     "return struct.unpack(f, struct.pack(f, -5, 60000, -2^39, 2^53, 77, 0.5, "
                     "-1.25, 'text', 'abc', 200, -12345))",
                     "-5 | 60000 | -549755813888 | 9007199254740992 | 77 | 0.5 | -1.25 | text | "
                     "abc | 200 | -12345 | 66",
                     lua_struct_open);
}

static void is_limited(void)
{
    lua_script_check("local s = ('x'):rep(1e6) return struct.pack(('s'):rep(20), s, s, s, s, s, s, "
                     "s, s, s, s, s, s, s, s, s, s, s, s, s, s)",
                     "error: not enough memory", lua_struct_open);
    lua_script_check("return #struct.pack(('x'):rep(3e5)), struct.size(('x'):rep(3e5))",
                     "300000 | 300000", lua_struct_open);
}

static void what_takes_long_is_stopped(void)
{
    lua_script_check("local f = ('x'):rep(1e6) for i = 1, 1e6 do struct.size(f) end",
                     "error: stopped", lua_struct_open);
    lua_script_check("local f, s = ('x'):rep(1e6), ('x'):rep(1e6) "
                     "for i = 1, 1e6 do struct.unpack(f, s) end",
                     "error: stopped", lua_struct_open);
}

int main(void)
{
    return UNIT_RUN(UNIT(answers_as_ever), UNIT(what_is_packed_is_unpacked), UNIT(is_limited),
                    UNIT(what_takes_long_is_stopped));
}
