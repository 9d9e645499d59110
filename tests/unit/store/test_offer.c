/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/offer.h"

#include "base/mem.h"
#include "store/db.h"
#include "store/str.h"
#include "tests/unit/unit.h"

static struct slice offered(struct offer *o, char fill)
{
    struct str *s = str_new(OFFER_MIN);
    memset(s->bytes, fill, OFFER_MIN);
    s->len = OFFER_MIN;
    offer_add(o, s);
    return slice(s->bytes, s->len);
}

static const char *where(struct entry *e)
{
    return entry_string(e, NULL).data;
}

static void a_block_is_taken_over_and_comes_back(void)
{
    struct keyspace ks;
    struct offer o = {0};
    keyspace_init(&ks, 1);
    struct db *db = keyspace_db(&ks, 0);
    struct slice k = SLICE_LIT("k"), l = SLICE_LIT("l"), a = offered(&o, 'a'), b = offered(&o, 'b');
    size_t all = offer_memory(&o);
    CHECK(where(db_set_string(db, k, a, KEY_NO_EXPIRE)) != a.data); /* nobody has offered it */
    ks.offered = &o;
    CHECK(where(db_set_string(db, k, a, KEY_NO_EXPIRE)) == a.data);
    CHECK(offer_memory(&o) <= all - OFFER_MIN && !offer_has(&o, a));
    CHECK(where(db_set_string(db, l, a, KEY_NO_EXPIRE)) != a.data); /* it is k's already */
    CHECK(where(db_set_string(db, k, b, KEY_NO_EXPIRE)) == b.data);
    CHECK(offer_has(&o, a) && !offer_has(&o, b));
    CHECK(a.data[0] == 'a' && a.data[OFFER_MIN - 1] == 'a'); /* it stands */
    db_set_string(db, k, SLICE_LIT("7"), KEY_NO_EXPIRE);
    CHECK_INT(offer_memory(&o), all);
    CHECK(where(db_set_string(db, l, slice_from(b, 1), KEY_NO_EXPIRE)) != b.data + 1);
    CHECK(where(db_set_string(db, l, b, KEY_NO_EXPIRE)) == b.data);
    ks.offered = NULL;
    offer_free(&o); /* a; b is l's for good */
    CHECK(where(db_find(db, l))[OFFER_MIN - 1] == 'b');
    keyspace_release(&ks);
}

int main(void)
{
    return UNIT_RUN(UNIT(a_block_is_taken_over_and_comes_back));
}
