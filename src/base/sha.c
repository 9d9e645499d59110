/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/sha.h"

#include <openssl/evp.h>

#include "base/must.h"

static void digest(const EVP_MD *kind, struct slice data, unsigned char *out)
{
    /* Fails only when OpenSSL cannot allocate or was built without the digest. */
    must(EVP_Digest(data.len ? data.data : "", data.len, out, NULL, kind, NULL) == 1);
}

static void to_hex(const unsigned char *bytes, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
    *out = '\0';
}

void sha1(struct slice data, unsigned char out[20])
{
    digest(EVP_sha1(), data, out);
}

void sha1_hex(struct slice data, char out[41])
{
    unsigned char bytes[20];
    sha1(data, bytes);
    to_hex(bytes, sizeof bytes, out);
}

void sha256_hex(struct slice data, char out[65])
{
    unsigned char bytes[32];
    digest(EVP_sha256(), data, bytes);
    to_hex(bytes, sizeof bytes, out);
}

struct sha256 *sha256_begin(void)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    must(ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1);
    return (struct sha256 *)(void *)ctx;
}

void sha256_add(struct sha256 *s, const void *data, size_t len)
{
    must(EVP_DigestUpdate((EVP_MD_CTX *)(void *)s, data, len) == 1);
}

void sha256_end(struct sha256 *s, char out[65])
{
    unsigned char bytes[32];
    EVP_MD_CTX *ctx = (EVP_MD_CTX *)(void *)s;
    must(EVP_DigestFinal_ex(ctx, bytes, NULL) == 1);
    EVP_MD_CTX_free(ctx);
    to_hex(bytes, sizeof bytes, out);
}
