/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/live_tls.h"

#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "os/tls.h"

enum word { CACERT, CACERTDIR, CERT, KEY, INSECURE, WORD_COUNT };
static const char *const names[] = {"cacert", "cacertdir", "cert", "key", "insecure"};

static bool take(struct slice word, char *values[], struct fault *f)
{
    const char *sign = memchr(word.data, '=', word.len);
    size_t len = sign ? (size_t)(sign - word.data) : word.len;
    for (int i = 0; sign && i < WORD_COUNT; i++) {
        if (!slice_eq_str(slice(word.data, len), names[i]))
            continue;
        struct slice value = slice_from(word, len + 1);
        mem_free(values[i]);
        values[i] = mem_dup(value.data, value.len);
        return true;
    }
    fault_set(f, FAULT_INVALID, "'%.*s' behind the address is none of cacert=, cacertdir=, cert=, "
              "key=, insecure=yes", SLICE_ARG(word));
    return false;
}

static bool take_all(struct slice words, char *values[], struct fault *f)
{
    while (words.len) {
        const char *end = memchr(words.data, '&', words.len);
        size_t len = end ? (size_t)(end - words.data) : words.len;
        if (!take(slice(words.data, len), values, f))
            return false;
        words = slice_from(words, len + (end != NULL));
    }
    if (!values[CERT] != !values[KEY])
        fault_set(f, FAULT_INVALID, "cert= and key= are given together or not");
    return !fault_is(f);
}

bool live_tls(struct slice words, const char *host, struct wire *out, struct fault *f)
{
    char *values[WORD_COUNT] = {NULL};
    struct tls_context *ctx = NULL;
    if (take_all(words, values, f)) {
        struct tls_spec spec = {
            .cert = {"cert", values[CERT]}, .key = {"key", values[KEY]},
            .pass = {"a password", NULL},
            .ca_file = {"cacert", values[CACERT]}, .ca_dir = {"cacertdir", values[CACERTDIR]},
            .system_ca = !values[CACERT] && !values[CACERTDIR], .out_of_date = true,
            .insecure = values[INSECURE] && strcmp(values[INSECURE], "yes") == 0};
        ctx = tls_context_new(&spec, f);
    }
    if (ctx && !tls_connect(ctx, host, false, out))
        fault_set(f, FAULT_LIMIT, "no memory for TLS");
    tls_context_free(ctx);
    for (int i = 0; i < WORD_COUNT; i++)
        mem_free(values[i]);
    must(out->ops || fault_is(f));
    return out->ops;
}
