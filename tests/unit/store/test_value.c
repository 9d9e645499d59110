/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/value.h"

#include "base/hash.h"
#include "base/mem.h"
#include "store/entry_make.h"
#include "store/str.h"
#include "store/val_hash.h"
#include "store/val_list.h"
#include "store/val_set.h"
#include "store/val_zset.h"
#include "tests/unit/unit.h"

/* Whatever the type, everything can be done with a value of it. */
static void rows_are_whole(void)
{
    for (enum value_type type = VALUE_STRING; type <= VALUE_MODULE; type++) {
        const struct value_ops *ops = value_ops_of(type);
        CHECK(ops->free && ops->copy && ops->count && ops->memory);
        bool elements = ops->load_item || ops->load_pair || ops->load_score;
        CHECK_INT(ops->walk != NULL, type != VALUE_STRING);
        CHECK_INT(elements, type >= VALUE_LIST && type <= VALUE_HASH);
        CHECK_INT(ops->load_stream != NULL, type == VALUE_STREAM);
        /* Without load_new the first item makes the value; whoever says no says why. */
        CHECK(ops->load_new || !elements || ops->load_item);
        CHECK(!elements || ops->load_node || ops->twice);
    }
}

static struct val value_of(enum value_type type)
{
    static const struct value_limits limits = {.list_listpack_size = -2, .set_listpack_value = 64,
                                               .set_listpack_entries = 8};
    const struct value_ops *ops = value_ops_of(type);
    struct val v = {.type = (uint8_t)type, .encoding = ENC_RAW};
    if (type == VALUE_STRING) {
        v.ptr = str_of(SLICE_LIT("text"));
        return v;
    }
    if (ops->load_new)
        v = ops->load_new(1, &limits);
    if (ops->load_item)
        CHECK(ops->load_item(&v, SLICE_LIT("text"), &limits));
    else if (ops->load_pair)
        CHECK(ops->load_pair(&v, SLICE_LIT("text"), SLICE_LIT("value"), &limits));
    else
        CHECK(ops->load_score(&v, SLICE_LIT("text"), 1, &limits));
    return v;
}

/* The address sanitizer and the count of bytes tell whether something is shared or left. */
static void values_of_every_type_are_copied_and_freed(void)
{
    size_t before = mem_used();
    for (enum value_type type = VALUE_STRING; type <= VALUE_MODULE; type++) {
        if (type == VALUE_STREAM || type == VALUE_MODULE) /* test_val_stream.c, test_foreign.c */
            continue;
        struct val v = value_of(type), copy = val_copy(v);
        CHECK(copy.ptr != v.ptr);
        CHECK_INT(copy.type, type);
        CHECK_INT(val_count(v), type == VALUE_STRING ? 4 : 1);
        val_free(v);
        CHECK_INT(val_count(copy), type == VALUE_STRING ? 4 : 1);
        CHECK(value_ops_of(type)->memory(&copy, 0) > 0);
        val_free(copy);
    }
    CHECK_INT(mem_used(), before);
}

static void an_entry_counts_its_value(void)
{
    char small[64], large[64];
    struct val v = value_of(VALUE_LIST);
    struct entry_parts number = {.key = SLICE_LIT("k"), .encoding = ENC_INT,
                                 .expire_ms = KEY_NO_EXPIRE};
    struct entry_parts list = {.key = SLICE_LIT("k"), .type = VALUE_LIST, .encoding = v.encoding,
                               .ptr = v.ptr, .expire_ms = KEY_NO_EXPIRE};
    struct entry *a = (struct entry *)(void *)small, *b = (struct entry *)(void *)large;
    entry_fill(a, &number);
    entry_fill(b, &list);
    CHECK_INT(entry_memory(b, 0), entry_memory(a, 0) + list_ops.memory(&v, 0));
    val_free(v);
}

int main(void)
{
    hash_init(NULL);
    return UNIT_RUN(UNIT(rows_are_whole), UNIT(values_of_every_type_are_copied_and_freed),
                    UNIT(an_entry_counts_its_value));
}
