/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/buf.h"
#include "tests/unit/unit.h"

static void appends_and_grows(void)
{
    struct buf b = {0};
    for (int i = 0; i < 5000; i++)
        buf_byte(&b, (unsigned char)i);
    CHECK_INT(b.len, 5000);
    CHECK(b.cap >= 5000 && b.cap < 20000);
    for (int i = 0; i < 5000; i++)
        CHECK((unsigned char)b.data[i] == (i & 255));
    buf_append(&b, NULL, 0);
    CHECK_INT(b.len, 5000);
    buf_free(&b);
    CHECK(!b.data && !b.len && !b.cap);
}

static void grows_by_a_quarter_when_large(void)
{
    struct buf b = {0};
    buf_reserve(&b, 4 << 20);
    b.len = b.cap;
    size_t before = b.cap;
    buf_byte(&b, 1);
    CHECK_INT(b.cap, before + before / 4);
    buf_free(&b);
}

static void drops_and_shrinks(void)
{
    struct buf b = {0};
    buf_add(&b, SLICE_LIT("0123456789"));
    buf_drop_front(&b, 0);
    buf_drop_front(&b, 4);
    CHECK_SLICE(buf_slice(&b), SLICE_LIT("456789"));
    buf_shrink(&b);
    CHECK_INT(b.cap, 6);
    CHECK_SLICE(buf_slice(&b), SLICE_LIT("456789"));
    buf_drop_front(&b, 6);
    buf_shrink(&b);
    CHECK(!b.data);
    buf_shrink(&b);
    buf_free(&b);
}

static void prints(void)
{
    struct buf b = {0};
    buf_printf(&b, "%s=%d;", "a", 7);
    for (int i = 0; i < 300; i++)
        buf_printf(&b, "%d,", i % 10);
    CHECK_INT(b.len, 4 + 600);
    CHECK_SLICE(slice(b.data, 10), SLICE_LIT("a=7;0,1,2,"));
    buf_clear(&b);
    char wide[700];
    memset(wide, 'w', sizeof wide - 1);
    wide[sizeof wide - 1] = '\0';
    buf_printf(&b, "<%s>", wide);
    CHECK_INT(b.len, 701);
    CHECK(b.data[0] == '<' && b.data[700] == '>');
    CHECK_INT(strlen(buf_cstr(&b)), 701);
    CHECK_INT(b.len, 701);
    buf_free(&b);
    CHECK_STR(buf_cstr(&b), "");
    buf_free(&b);
}

/* What clients send may be longer than printf can count. */
static void slices_of_any_length(void)
{
    struct buf text = {0}, out = {0};
    memset(buf_reserve(&text, SLICE_PRINT_MAX), 'x', SLICE_PRINT_MAX);
    struct slice lengths[] = {slice(text.data, 3), slice(text.data, SLICE_PRINT_MAX),
                              slice(text.data, (size_t)3 << 30), slice(text.data, SIZE_MAX)};
    static const size_t shown[] = {3, SLICE_PRINT_MAX, SLICE_PRINT_MAX, SLICE_PRINT_MAX};
    for (size_t i = 0; i < 4; i++) {
        buf_clear(&out);
        buf_printf(&out, "'%.*s'", SLICE_ARG(lengths[i]));
        CHECK_INT(out.len, shown[i] + 2);
    }
    buf_free(&text);
    buf_free(&out);
}

int main(void)
{
    return UNIT_RUN(UNIT(appends_and_grows), UNIT(grows_by_a_quarter_when_large),
                    UNIT(drops_and_shrinks), UNIT(prints), UNIT(slices_of_any_length));
}
