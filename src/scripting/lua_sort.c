/* SPDX-License-Identifier: BSD-3-Clause */
/* Quicksort with the median of three as the pivot (Sedgewick), the larger part in the loop, so that
 * the recursion is as deep as log2 n at most. A part that is still large after too many halvings
 * that halve nothing is sorted as a heap. */
#include "scripting/lua_sort.h"

#include <stdbool.h>

#include "base/must.h"
#include "scripting/guard.h"

enum { ARRAY = 1, ORDER = 2, PAY_AT = 100 };

struct sort {
    lua_State *L;
    int n;
    bool by_function;
    unsigned work; /* comparisons not yet paid */
};

/* Of two values on the stack, counted from its top. */
static bool less(struct sort *s, int a, int b)
{
    lua_State *L = s->L;
    if (++s->work == PAY_AT) {
        s->work = 0;
        guard_spend(L, PAY_AT);
    }
    if (!s->by_function)
        return lua_lessthan(L, a, b);
    lua_pushvalue(L, ORDER);
    lua_pushvalue(L, a - 1);
    lua_pushvalue(L, b - 2);
    lua_call(L, 2, 1);
    bool is = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return is;
}

/* a[i] and a[j] lie on the top: they change places. */
static void store_swapped(lua_State *L, int i, int j)
{
    lua_rawseti(L, ARRAY, i);
    lua_rawseti(L, ARRAY, j);
}

static void swap(lua_State *L, int i, int j)
{
    lua_rawgeti(L, ARRAY, i);
    lua_rawgeti(L, ARRAY, j);
    store_swapped(L, i, j);
}

/* Brings a[i] and a[j] into order, i being before j; true: they were not. */
static bool order(struct sort *s, int i, int j)
{
    lua_State *L = s->L;
    lua_rawgeti(L, ARRAY, i);
    lua_rawgeti(L, ARRAY, j);
    if (less(s, -1, -2)) {
        store_swapped(L, i, j);
        return true;
    }
    lua_pop(L, 2);
    return false;
}

/* ---- heap: 0 is the root, low the place of element 0 ---- */

static void sift_down(struct sort *s, int low, int64_t root, int64_t count)
{
    lua_State *L = s->L;
    for (int64_t child; (child = 2 * root + 1) < count; root = child) {
        lua_rawgeti(L, ARRAY, low + (int)root);
        lua_rawgeti(L, ARRAY, low + (int)child);
        if (child + 1 < count) {
            lua_rawgeti(L, ARRAY, low + (int)child + 1);
            bool right = less(s, -2, -1);
            child += right;
            lua_remove(L, right ? -2 : -1);
        }
        if (!less(s, -2, -1)) {
            lua_pop(L, 2);
            return;
        }
        store_swapped(L, low + (int)root, low + (int)child);
    }
}

static void heap_sort(struct sort *s, int low, int high)
{
    int64_t count = (int64_t)high - low + 1;
    for (int64_t root = count / 2; root-- > 0;)
        sift_down(s, low, root, count);
    while (count-- > 1) {
        swap(s->L, low, low + (int)count);
        sift_down(s, low, 0, count);
    }
}

/* ---- quicksort ---- */

/* Parts a[low..high], of more than three elements whose median of three lies in high - 1, at the
 * place that is returned: what is before it is not greater, what is behind it not less. With <= in
 * place of < the place may be high + 1, which sorts in the end if that is in the array, too. */
static int partition(struct sort *s, int low, int high)
{
    lua_State *L = s->L;
    int i = low, j = high - 1;
    lua_rawgeti(L, ARRAY, high - 1); /* the pivot */
    for (;;) {
        for (lua_rawgeti(L, ARRAY, ++i); less(s, -1, -2); lua_rawgeti(L, ARRAY, ++i)) {
            if (i > high)
                luaL_error(L, "invalid order function for sorting");
            lua_pop(L, 1);
        }
        for (lua_rawgeti(L, ARRAY, --j); less(s, -3, -1); lua_rawgeti(L, ARRAY, --j)) {
            if (j < low)
                luaL_error(L, "invalid order function for sorting");
            lua_pop(L, 1);
        }
        if (j < i)
            break;
        store_swapped(L, i, j);
    }
    if (i > s->n)
        luaL_error(L, "invalid order function for sorting");
    lua_pop(L, 3);
    swap(L, high - 1, i);
    must(i > low && i <= high + 1);
    return i;
}

static void sort(struct sort *s, int low, int high, int halvings)
{
    while (low < high) {
        if (halvings-- == 0) {
            heap_sort(s, low, high);
            return;
        }
        order(s, low, high);
        if (high - low == 1)
            return;
        int middle = low + (high - low) / 2;
        if (!order(s, low, middle))
            order(s, middle, high);
        if (high - low == 2)
            return;
        swap(s->L, middle, high - 1);
        int pivot = partition(s, low, high);
        if (pivot - low < high - pivot) {
            sort(s, low, pivot - 1, halvings);
            low = pivot + 1;
        } else {
            sort(s, pivot + 1, high, halvings);
            high = pivot - 1;
        }
    }
}

void lua_sort(lua_State *L, int n)
{
    enum { VALUES_MAX = 16, HALVINGS = 3 };
    int log2 = 1;
    while (log2 < 31 && n >> log2)
        log2++;
    luaL_checkstack(L, VALUES_MAX, "");
    struct sort s = {.L = L, .n = n, .by_function = !lua_isnil(L, ORDER)};
    sort(&s, 1, n, HALVINGS * log2);
}
