/* SPDX-License-Identifier: BSD-3-Clause */
/* Quicksort with the median of three as the pivot (Sedgewick), the larger part in the loop, so that
 * the recursion is as deep as log2 n at most. A part that is still large after too many halvings
 * that halve nothing is sorted as a heap. */
#include "scripting/lua_sort.h"

#include <stdbool.h>

#include "base/must.h"
#include "scripting/guard.h"

enum { ARRAY = 1, ORDER = 2 };

/* Of two values on the stack. */
static bool less(lua_State *L, int a, int b)
{
    guard_spend(L, 1);
    if (lua_isnil(L, ORDER))
        return lua_lessthan(L, a, b);
    lua_pushvalue(L, ORDER);
    lua_pushvalue(L, a < 0 ? a - 1 : a);
    lua_pushvalue(L, b < 0 ? b - 2 : b);
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
static bool order(lua_State *L, int i, int j)
{
    lua_rawgeti(L, ARRAY, i);
    lua_rawgeti(L, ARRAY, j);
    if (less(L, -1, -2)) {
        store_swapped(L, i, j);
        return true;
    }
    lua_pop(L, 2);
    return false;
}

/* ---- heap: 0 is the root, low the place of element 0 ---- */

static void sift_down(lua_State *L, int low, int64_t root, int64_t count)
{
    for (int64_t child; (child = 2 * root + 1) < count; root = child) {
        lua_rawgeti(L, ARRAY, low + (int)root);
        lua_rawgeti(L, ARRAY, low + (int)child);
        if (child + 1 < count) {
            lua_rawgeti(L, ARRAY, low + (int)child + 1);
            bool right = less(L, -2, -1);
            child += right;
            lua_remove(L, right ? -2 : -1);
        }
        if (!less(L, -2, -1)) {
            lua_pop(L, 2);
            return;
        }
        store_swapped(L, low + (int)root, low + (int)child);
    }
}

static void heap_sort(lua_State *L, int low, int high)
{
    int64_t count = (int64_t)high - low + 1;
    for (int64_t root = count / 2; root-- > 0;)
        sift_down(L, low, root, count);
    while (count-- > 1) {
        swap(L, low, low + (int)count);
        sift_down(L, low, 0, count);
    }
}

/* ---- quicksort ---- */

/* Parts a[low..high], of more than three elements whose median of three lies in high - 1, at the
 * place that is returned: what is before it is not greater, what is behind it not less. With <= in
 * place of < the place may be high + 1, which sorts in the end if that is in the array, too. */
static int partition(lua_State *L, int low, int high, int n)
{
    int i = low, j = high - 1;
    lua_rawgeti(L, ARRAY, high - 1); /* the pivot */
    for (;;) {
        for (lua_rawgeti(L, ARRAY, ++i); less(L, -1, -2); lua_rawgeti(L, ARRAY, ++i)) {
            if (i > high)
                luaL_error(L, "invalid order function for sorting");
            lua_pop(L, 1);
        }
        for (lua_rawgeti(L, ARRAY, --j); less(L, -3, -1); lua_rawgeti(L, ARRAY, --j)) {
            if (j < low)
                luaL_error(L, "invalid order function for sorting");
            lua_pop(L, 1);
        }
        if (j < i)
            break;
        store_swapped(L, i, j);
    }
    if (i > n)
        luaL_error(L, "invalid order function for sorting");
    lua_pop(L, 3);
    swap(L, high - 1, i);
    must(i > low && i <= high + 1);
    return i;
}

static void sort(lua_State *L, int low, int high, int halvings, int n)
{
    while (low < high) {
        if (halvings-- == 0) {
            heap_sort(L, low, high);
            return;
        }
        order(L, low, high);
        if (high - low == 1)
            return;
        int middle = low + (high - low) / 2;
        if (!order(L, low, middle))
            order(L, middle, high);
        if (high - low == 2)
            return;
        swap(L, middle, high - 1);
        int pivot = partition(L, low, high, n);
        if (pivot - low < high - pivot) {
            sort(L, low, pivot - 1, halvings, n);
            low = pivot + 1;
        } else {
            sort(L, pivot + 1, high, halvings, n);
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
    sort(L, 1, n, HALVINGS * log2, n);
}
