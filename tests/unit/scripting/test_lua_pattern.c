/* SPDX-License-Identifier: BSD-3-Clause */
#include "scripting/lua_pattern.h"

#include "scripting/lua_string.h"
#include "tests/unit/scripting/lua_rows.h"

/* Beside the installed redis-server: what it answers. */
static const struct lua_row rows[] = {
    /* classes, sets, ranges */
    {"return all(string.find('ab1 .', '%a%l%d%s%p$')), all(string.find('A\\0\\127', "
     "'%u%z%c')), all(string.find('fF9', '^%x+$'))",
     "<1 5> | <1 3> | <1 3>"},
    {"return all(string.find('a1', '%A')), all(string.find('1', '%D')), "
     "all(string.find('\\200', '%W')), all(string.find('\\200', '[%a]'))",
     "<2 2> | <nil> | <1 1> | <nil>"},
    {"return all(string.match('x]y', '[]]')), all(string.match('x]y', '[^]]+')), "
     "all(string.match('a-b', '[a-]+')), all(string.match('a-z', '[%a-z]+'))",
     "<]> | <x> | <a-> | <a-z>"},
    {"return all(string.match('+b%', '[a-%%]+')), all(string.match('^a', '[%^a]+')), "
     "all(string.match('a^', '[a^]+')), all(string.match('\\0a', '[%z]a'))",
     "<nil> | <^a> | <a^> | <\\000a>"},
    {"return all(string.match('aZ', '[^%u]')), all(string.match('x\\233', '[\\128-\\255]+')), "
     "all(string.match('ab', '[^b]'))",
     "<a> | <\\233> | <a>"},
    {"return all(string.match('a.b%c', '%.b%%c')), all(string.match('$a', '$a')), "
     "all(string.match('a^b', 'a^b')), all(string.match('*+', '*+'))",
     "<.b%c> | <$a> | <a^b> | <*>"},
    /* quantifiers */
    {"return all(string.match('aaa', 'a*')), all(string.match('aaa', 'a+')), "
     "all(string.match('aaa', 'a-')), all(string.match('aaa', 'a?')), "
     "all(string.match('', 'a+'))",
     "<aaa> | <aaa> | <> | <a> | <nil>"},
    {"return all(string.match('aaab', 'a-b')), all(string.match('aab', 'a?a?a?b')), "
     "all(string.match('abcabc', '.*b')), all(string.match('abcabc', '.-c'))",
     "<aaab> | <aab> | <abcab> | <abc>"},
    {"return all(string.match('key = value', '^(%w+)%s*=%s*(%w+)$')), all(string.match('  "
     "trim  ', '^%s*(.-)%s*$'))",
     "<key value> | <trim>"},
    {"return all(string.match('aaa', '^a-$')), all(string.match('aaa', 'a*a*a*a$')), "
     "all(string.match('xay', '(x)(a?)(b?)(y)'))",
     "<aaa> | <aaa> | <x a  y>"},
    {"return all(string.match('abcd', '[a-c]+')), all(string.match('aaa', 'a*b?a')), "
     "all(string.match('aac', '.-b?c')), all(string.match('xb', 'a*b')), "
     "all(string.match('xb', 'a-b')), all(string.match('xb', 'a?b'))",
     "<abc> | <aaa> | <aac> | <b> | <b> | <b>"},
    {"return all(string.match('aXbX', '(.*)X')), all(string.match('a%b%', '(.-)%%')), "
     "all(string.match('aab', '(a*)(b?)a')), all(string.match('ab)', '.-%)')), "
     "all(string.match('aa', '((a*)a)'))",
     "<aXb> | <a> | <a > | <ab)> | <aa a>"},
    /* captures */
    {"return all(string.find('hello', '(l)(l)()')), all(string.match('ab', '((a)(b))')), "
     "all(string.match('ab', '()ab()'))",
     "<3 4 l l 5> | <ab a b> | <1 3>"},
    {"return all(string.match('abab', '(a)(b)%1%2')), all(string.match('\"x\\'\"', "
     "'([\"\\'])(.-)%1')), all(string.match('aa', '()a%1')), 1",
     "<a b> | <\" x'> | <nil> | 1"},
    {"return all(string.match('f(a(b)c)d', '%b()')), all(string.match('((', '%b()')), "
     "all(string.match('xaxbx', '%bxx')), all(string.match('a%b', '%b%b'))",
     "<(a(b)c)> | <nil> | <xax> | <%b>"},
    {"return all(string.find('THE (quick) fox', '%f[%a]%a+%f[%A]')), all(string.find('a', "
     "'%f[%z]')), all(string.gsub('one two', '%f[%w]%w', '#'))",
     "<1 3> | <2 1> | <#ne #wo 2>"},
    {"return all(string.match('abc', '^b')), all(string.match('abc', 'b^')), "
     "all(string.match('a$', 'a$')), all(string.match('ab', 'a$b'))",
     "<nil> | <nil> | <nil> | <nil>"},
    /* errors, when a match gets there and not before */
    {"return string.find('a', '%')", "error: malformed pattern (ends with '%')"},
    {"return string.find('a', '[a')", "error: malformed pattern (missing ']')"},
    {"return string.find('a', '[]')", "error: malformed pattern (missing ']')"},
    {"return string.find('a', '[a%')", "error: malformed pattern (missing ']')"},
    {"return string.find('a', '[a\\0]')", "error: malformed pattern (missing ']')"},
    {"return string.find('a', '%f')", "error: missing '[' after '%f' in pattern"},
    {"return string.find('a', '%bx')", "error: unbalanced pattern"},
    {"return string.find('a', 'a(')", "error: unfinished capture"},
    {"return string.match('a', 'a)')", "error: invalid pattern capture"},
    {"return string.match('a', ')')", "error: invalid pattern capture"},
    {"return string.find('a', '%1')", "error: invalid capture index"},
    {"return string.find('a', '%0')", "error: invalid capture index"},
    {"return string.find('a', '(a%1)')", "error: invalid capture index"},
    {"return string.find('a', string.rep('()', 33))", "error: too many captures"},
    {"return #{all(string.find('a', string.rep('()', 32)))}", "1"},
    {"return all(string.find('a', 'b%')), all(string.find('a', 'b(')), all(string.find('a', "
     "'b)'))",
     "<nil> | <nil> | <nil>"},
    {"return string.gsub('aa', 'a(', 'x')", "xx | 2"},
    {"return all(string.find('x.\\0by', '.\\0c')), all(string.find('a\\0b', 'a\\0c', 1, "
     "true)), all(string.find('a\\0b', '\\0')), all(string.find('a\\0b', '\\0b'))",
     "<1 1> | <nil> | <2 2> | <2 3>"},
};
static void matches(void)
{
    lua_rows_check(rows, sizeof rows / sizeof *rows, lua_string_open);
}

static void needs_no_stack(void)
{
    lua_script_check("return #string.match(('a'):rep(90000), ('a?'):rep(90000))", "90000",
                     lua_string_open);
    lua_script_check("return #string.match(('a'):rep(9000), '^' .. ('a-'):rep(2) .. '$')", "9000",
                     lua_string_open);
    /* As many choices as fit, and one more. */
    lua_script_check("return string.match(('a'):rep(40), ('a?'):rep(32)) == ('a'):rep(32), "
                     "string.match(('a'):rep(40), ('a?'):rep(33)) == ('a'):rep(33)",
                     "true | true", lua_string_open);
    lua_script_check("return string.match('ab', ('a?'):rep(40) .. '(b)')", "b", lua_string_open);
}

static void what_never_ends_is_stopped(void)
{
    static const char *const endless[] = {
        "string.match(('a'):rep(40), ('a?'):rep(40) .. ('a'):rep(40))",
        "string.find(('a'):rep(10000), '.-.-.-b')",
        "string.find(('a'):rep(10000), '(.*)(.*)(.*)%1%2%3b')",
        "string.find(('a'):rep(100000), '[' .. ('bc'):rep(100000) .. ']')",
        "string.find(('a'):rep(100000), '%f[' .. ('bc'):rep(100000) .. ']')",
        "string.find(('('):rep(1000000), '%b()')",
        "string.find(('a'):rep(1000000), 'a*b')",
        "string.find(('a'):rep(1000000), 'a-b')",
        "string.find(('a'):rep(1000000), '%l*%u')",
        "string.find(('a'):rep(1000000), '.*$b')",
        "string.find(('a'):rep(1000000), ('a'):rep(1000) .. '$')",
        "string.find(('a'):rep(2000000), '(' .. ('a'):rep(3000) .. '.*)%1b')",
        "for _ in string.gmatch(('a'):rep(100000), 'a-a-a-b') do end",
        "string.gsub(('a'):rep(100000), 'a-a-a-b', '')",
    };
    for (size_t i = 0; i < sizeof endless / sizeof *endless; i++)
        lua_script_check(endless[i], "error: stopped", lua_string_open);
}

/* The bytes of a subject are those told, whatever lies before and behind. */
static void finds_from_c(void)
{
    struct lua_tested t;
    struct lua_pattern m;
    lua_tested_open(&t, NULL);
    lua_pushliteral(t.L, "abcabc");
    const char *text = lua_tostring(t.L, -1), *s = text + 1;
    lua_pattern_begin(&m, t.L, slice(text, 4), SLICE_LIT("(.)(b?)"));
    const char *e = lua_pattern_search(&m, &s, false);
    CHECK(s == text + 1 && e == text + 2);
    s = text + 3;
    CHECK(lua_pattern_search(&m, &s, true) == text + 4 && s == text + 3);
    CHECK_INT(lua_pattern_push_all(&m, s, text + 4), 2);
    CHECK_STR(lua_tostring(t.L, -2), "a");
    CHECK_STR(lua_tostring(t.L, -1), "");
    s = text + 4;
    CHECK(lua_pattern_search(&m, &s, false) == NULL);
    lua_pattern_begin(&m, t.L, slice(text, 4), SLICE_LIT("a$"));
    s = text;
    CHECK(lua_pattern_search(&m, &s, false) == text + 4 && s == text + 3);
    lua_pattern_begin(&m, t.L, slice(text + 1, 3), SLICE_LIT("%f[%a]"));
    s = text + 1;
    CHECK(lua_pattern_search(&m, &s, false) == text + 1 && s == text + 1);
    lua_pattern_begin(&m, t.L, slice(text, 4), SLICE_LIT("%f[%z]"));
    s = text;
    CHECK(lua_pattern_search(&m, &s, false) == text + 4 && s == text + 4);
    lua_tested_close(&t);
}

int main(void)
{
    return UNIT_RUN(UNIT(matches), UNIT(needs_no_stack), UNIT(what_never_ends_is_stopped),
                    UNIT(finds_from_c));
}
