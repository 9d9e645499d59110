/* SPDX-License-Identifier: BSD-3-Clause */
#include "os/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "os/loop.h"
#include "tests/unit/unit.h"

/* ---- certificates, by the openssl command ---- */
static const char *dir;

static const char *path(const char *name)
{
    enum { KEPT = 100 };
    static char all[KEPT][300];
    static int next;
    char *out = all[next++ % KEPT];
    snprintf(out, sizeof all[0], "%s/%s", dir, name);
    return out;
}

static void run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void run(const char *format, ...)
{
    char line[1024];
    va_list ap;
    int n = snprintf(line, sizeof line, "cd '%s' && ", dir);
    va_start(ap, format);
    vsnprintf(line + n, sizeof line - (size_t)n, format, ap);
    va_end(ap);
    strncat(line, strchr(format, '>') ? "" : " >out 2>&1", sizeof line - strlen(line) - 1);
    CHECK(system(line) == 0);
}

#define NEW_KEY "-newkey ec -pkeyopt ec_paramgen_curve:P-256"
static void make_certificates(void)
{
    if (dir)
        return;
    dir = unit_tmpdir();
    for (int i = 0; i < 2; i++)
        run("openssl req -x509 " NEW_KEY " -nodes -keyout ca%d.key -out ca%d.crt -days 30 "
            "-subj /CN=authority%d", i, i, i);
    run("printf 'subjectAltName=DNS:one.example,IP:127.0.0.1' > names");
    run("printf '[ca]\ndefault_ca=d\n[d]\ndatabase=index\nnew_certs_dir=.\nrand_serial=yes\n"
        "default_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n' > conf; touch index");
    static const struct {
        const char *name;
        int ca;
        const char *end;
    } certs[] = {{"server", 0, "20990101000000Z"}, {"client", 0, "20990101000000Z"},
                 {"other", 1, "20990101000000Z"}, {"late", 0, "20210101000000Z"}};
    for (size_t i = 0; i < sizeof certs / sizeof *certs; i++) {
        run("openssl req " NEW_KEY " -nodes -keyout %s.key -out csr -subj /CN=%s", certs[i].name,
            certs[i].name);
        run("openssl ca -batch -config conf -cert ca%d.crt -keyfile ca%d.key -in csr -notext "
            "-extfile names -startdate 20200101000000Z -enddate %s -out %s.crt", certs[i].ca,
            certs[i].ca, certs[i].end, certs[i].name);
    }
    run("openssl ec -in server.key -aes128 -passout pass:open -out locked.key");
}

static struct tls_spec spec_of(const char *name, const char *ca)
{
    char cert[64], key[64];
    snprintf(cert, sizeof cert, "%s.crt", name);
    snprintf(key, sizeof key, "%s.key", name);
    make_certificates();
    return (struct tls_spec){
        .cert = {"cert-option", path(cert)}, .key = {"key-option", path(key)},
        .pass = {"pass-option", NULL}, .ca_file = {"ca-option", ca ? path(ca) : NULL},
        .ca_dir = {"dir-option", NULL}, .dh = {"dh-option", NULL},
        .protocols = {"protocols-option", NULL}, .ciphers = {"ciphers-option", NULL},
        .suites = {"suites-option", NULL}, .auth = TLS_AUTH_YES, .cache = true,
        .cache_size = 100, .cache_s = 300};
}

static struct tls_context *context(const struct tls_spec *spec)
{
    struct fault f = {0};
    struct tls_context *ctx = tls_context_new(spec, &f);
    CHECK_STR(f.what, "");
    return ctx;
}

/* ---- two ends ---- */
struct end {
    int fd;
    struct wire wire;
};

static struct end ends[2]; /* who connects, who accepts */

static void make_sockets(int room)
{
    int fds[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
    for (int i = 0; i < 2; i++) {
        ends[i] = (struct end){.fd = fds[i]};
        if (room)
            CHECK(setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &room, sizeof room) == 0);
    }
}

static void connect_as(const struct tls_spec *client, const struct tls_spec *server,
                       const char *name, bool verify)
{
    struct tls_context *a = context(client), *b = context(server);
    CHECK(tls_connect(a, name, verify, &ends[0].wire));
    CHECK(tls_accept(b, &ends[1].wire));
    tls_context_free(a); /* the connections hold them */
    tls_context_free(b);
}

static void close_end(int i)
{
    wire_close(&ends[i].wire, ends[i].fd);
    close(ends[i].fd);
}

static void close_both(void)
{
    close_end(0);
    close_end(1);
}

static ssize_t recv_at(int i, void *to, size_t n)
{
    return wire_recv(&ends[i].wire, ends[i].fd, to, n);
}

static ssize_t send_at(int i, const void *from, size_t n)
{
    struct iovec part = {(void *)from, n};
    return wire_sendv(&ends[i].wire, ends[i].fd, &part, 1);
}

/* Both read until neither can go on. Returns how that of end i came out. */
static ssize_t settle(int i)
{
    char byte;
    ssize_t last[2] = {-EAGAIN, -EAGAIN};
    for (int turns = 0; turns < 20; turns++)
        for (int k = 0; k < 2; k++) {
            wire_flush(&ends[k].wire, ends[k].fd);
            if (last[k] == -EAGAIN)
                last[k] = recv_at(k, &byte, 1);
        }
    return last[i];
}

static bool is_open(int i)
{
    return wire_look(&ends[i].wire).open;
}

static void check_why(int i, ssize_t err, const char *part)
{
    CHECK(err < 0);
    const char *why = wire_why(&ends[i].wire, (int)err);
    if (!strstr(why, part))
        CHECK_STR(why, part);
}

static void shake_hands(void)
{
    struct tls_spec c = spec_of("client", "ca0.crt"), s = spec_of("server", "ca0.crt");
    make_sockets(0);
    connect_as(&c, &s, "one.example", true);
    CHECK(!is_open(0) && !is_open(1));
    CHECK_INT(wire_watch(&ends[1].wire, LOOP_WRITE), LOOP_READ);
    CHECK_INT(wire_events(&ends[1].wire, LOOP_READ), LOOP_READ | LOOP_WRITE);
    CHECK_INT(settle(0), -EAGAIN);
    CHECK(is_open(0) && is_open(1));
    CHECK_INT(wire_watch(&ends[1].wire, LOOP_WRITE), LOOP_WRITE);
    CHECK_INT(wire_events(&ends[1].wire, LOOP_READ), LOOP_READ);
    CHECK_INT(send_at(0, "hello", 5), 5);
    char got[16];
    CHECK_INT(recv_at(1, got, 2), 2); /* the rest is in the layer: the descriptor is silent */
    CHECK_INT(wire_pending(&ends[1].wire) > 0, 1);
    CHECK_INT(recv_at(1, got + 2, 10), 3);
    CHECK_SLICE(slice(got, 5), slice_str("hello"));
    CHECK_INT(wire_pending(&ends[1].wire), 0);
    CHECK_INT(recv_at(1, got, 10), -EAGAIN);
    close_end(0); /* announced */
    CHECK_INT(recv_at(1, got, 10), 0);
    CHECK_INT(recv_at(1, got, 10), 0);
    close_end(1);
}

/* ---- much, both ways, through sockets that take little ---- */
enum { MUCH = 3000001, PARTS = 40 };

struct way {
    size_t sent, got;
    uint64_t next; /* of the receiver's check */
};

static unsigned char byte_at(size_t i, int way)
{
    return (unsigned char)((i * 2654435761u >> 13) + (unsigned)way);
}

static void send_more(struct way *w, int from, const char *all, uint64_t *seed)
{
    struct iovec parts[PARTS];
    int count = 0;
    size_t at = w->sent;
    while (count < PARTS && at < MUCH) {
        *seed = *seed * 6364136223846793005u + 1442695040888963407u;
        size_t n = *seed >> 60 ? *seed >> 33 & 63 : *seed >> 33 & 0x1ffff; /* empty ones, too */
        n = n < MUCH - at ? n : MUCH - at;
        parts[count++] = (struct iovec){(char *)all + at, n};
        at += n;
    }
    ssize_t put = wire_sendv(&ends[from].wire, ends[from].fd, parts, count);
    CHECK(put >= 0 || put == -EAGAIN);
    CHECK(put <= (ssize_t)(at - w->sent));
    w->sent += put > 0 ? (size_t)put : 0;
}

static void take_more(struct way *w, int at, int way, char *room, uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    size_t n = (*seed >> 40 & 0xffff) + 1;
    ssize_t got = recv_at(at, room, n);
    CHECK(got > 0 || got == -EAGAIN);
    for (ssize_t i = 0; i < got; i++)
        if ((unsigned char)room[i] != byte_at(w->got + (size_t)i, way))
            CHECK_INT((unsigned char)room[i], byte_at(w->got + (size_t)i, way));
    w->got += got > 0 ? (size_t)got : 0;
    CHECK(w->got <= w->sent);
}

static void carry(const char *protocols)
{
    struct tls_spec c = spec_of("client", "ca0.crt"), s = spec_of("server", "ca0.crt");
    char *all[2], *room = mem_alloc(70000);
    struct way ways[2] = {{0}};
    uint64_t seed = unit_seed();
    bool owed_some = false;
    c.protocols.value = protocols;
    for (int w = 0; w < 2; w++) {
        all[w] = mem_alloc(MUCH);
        for (size_t i = 0; i < MUCH; i++)
            all[w][i] = (char)byte_at(i, w);
    }
    make_sockets(20000);
    connect_as(&c, &s, NULL, false);
    while (ways[0].got < MUCH || ways[1].got < MUCH) {
        for (int w = 0; w < 2; w++) { /* bytes of way w go from end w to the other */
            if (ways[w].sent < MUCH)
                send_more(&ways[w], w, all[w], &seed);
            CHECK_INT(wire_flush(&ends[w].wire, ends[w].fd), 0);
            owed_some |= wire_owed(&ends[w].wire) > 0;
            if (wire_owed(&ends[w].wire))
                CHECK(wire_watch(&ends[w].wire, LOOP_READ) & LOOP_WRITE);
            take_more(&ways[w], !w, w, room, &seed);
        }
    }
    CHECK(owed_some);
    close_both();
    mem_free(all[0]), mem_free(all[1]), mem_free(room);
}

static void carries_much(void)
{
    carry("TLSv1.2");
    carry("TLSv1.3");
    carry(NULL);
}

/* ---- ends that are none, and bytes that are none of it ---- */
static void is_cut(void)
{
    struct tls_spec c = spec_of("client", "ca0.crt"), s = spec_of("server", "ca0.crt");
    char got[16];
    make_sockets(0);
    connect_as(&c, &s, NULL, false);
    CHECK_INT(settle(0), -EAGAIN);
    CHECK_INT(send_at(0, "last", 4), 4);
    shutdown(ends[0].fd, SHUT_WR);
    CHECK_INT(recv_at(1, got, sizeof got), 4); /* what came first is not lost */
    ssize_t rc = recv_at(1, got, sizeof got);
    CHECK_INT(rc, -ECONNRESET);
    check_why(1, rc, "cut");
    CHECK_INT(send_at(1, "x", 1), -ECONNRESET);
    close_both();
    /* in the handshake, and before it */
    for (int said = 0; said < 2; said++) {
        make_sockets(0);
        connect_as(&c, &s, NULL, false);
        if (said)
            CHECK_INT(recv_at(0, got, 1), -EAGAIN);
        shutdown(ends[0].fd, SHUT_WR);
        rc = recv_at(1, got, 1);
        CHECK_INT(rc, said ? -ECONNRESET : 0);
        if (said)
            check_why(1, rc, "handshake");
        close_both();
    }
}

static void garbage(void)
{
    struct tls_spec c = spec_of("client", "ca0.crt"), s = spec_of("server", "ca0.crt");
    static const char *const said[] = {"PING\r\n", "GET / HTTP/1.1\r\n\r\n", "*1\r\n$4\r\nPING\r\n",
                                       "-ERR unknown command\r\n"};
    char byte;
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        make_sockets(0);
        connect_as(&c, &s, NULL, false);
        CHECK(write(ends[0].fd, said[i], strlen(said[i])) > 0);
        ssize_t rc = recv_at(1, &byte, 1);
        CHECK_INT(rc, -EPROTO);
        check_why(1, rc, "what came is not TLS");
        CHECK_INT(recv_at(1, &byte, 1), -EPROTO);
        close_both();
    }
    /* behind the handshake */
    make_sockets(0);
    connect_as(&c, &s, NULL, false);
    CHECK_INT(settle(1), -EAGAIN);
    CHECK(write(ends[0].fd, "PING\r\nPING\r\nPING\r\nPING\r\n", 24) == 24);
    ssize_t rc = recv_at(1, &byte, 1);
    CHECK_INT(rc, -EPROTO);
    check_why(1, rc, "TLS: ");
    CHECK(wire_pending(&ends[1].wire) > 0); /* whoever waits for input hears of it */
    close_both();
}

/* ---- who is refused ---- */
static void check_refused(const struct tls_spec *c, const struct tls_spec *s, const char *name,
                          int by, const char *why)
{
    make_sockets(0);
    connect_as(c, s, name, name != NULL);
    ssize_t rc = settle(by);
    check_why(by, rc, why);
    rc = settle(!by); /* has heard of it */
    CHECK(rc <= 0 && rc != -EAGAIN);
    close_both();
}

static void refuses(void)
{
    struct tls_spec c = spec_of("client", "ca0.crt"), s = spec_of("server", "ca0.crt");
    struct tls_spec other = spec_of("other", "ca0.crt"), late = spec_of("late", "ca0.crt");
    struct tls_spec nobody = c, trusts_other = spec_of("client", "ca1.crt");
    nobody.cert.value = nobody.key.value = NULL;
    late.out_of_date = true;
    check_refused(&other, &s, NULL, 1, "unable to get local issuer certificate");
    check_refused(&late, &s, NULL, 1, "certificate has expired");
    check_refused(&nobody, &s, NULL, 1, "peer did not return a certificate");
    check_refused(&c, &late, NULL, 0, "certificate has expired");
    check_refused(&trusts_other, &s, NULL, 0, "self-signed certificate in certificate chain");
    check_refused(&c, &s, "two.example", 0, "hostname mismatch");
    check_refused(&c, &s, "127.0.0.2", 0, "IP address mismatch");
    s.auth = TLS_AUTH_OPTIONAL;
    check_refused(&other, &s, NULL, 1, "unable to get local issuer certificate");
    c.protocols.value = "TLSv1.2";
    s.protocols.value = "tlsv1.3";
    check_refused(&c, &s, NULL, 1, "unsupported protocol");
}

static void check_let_in(const struct tls_spec *c, const struct tls_spec *s, const char *name)
{
    make_sockets(0);
    connect_as(c, s, name, name != NULL);
    CHECK_INT(settle(0), -EAGAIN);
    CHECK(is_open(0) && is_open(1));
    close_both();
}

static void lets_in(void)
{
    struct tls_spec c = spec_of("client", "ca0.crt"), s = spec_of("server", "ca0.crt");
    struct tls_spec nobody = c, other = spec_of("other", "ca0.crt");
    check_let_in(&c, &s, "127.0.0.1");
    check_let_in(&c, &s, "one.example");
    nobody.cert.value = nobody.key.value = NULL;
    s.auth = TLS_AUTH_OPTIONAL;
    check_let_in(&c, &s, NULL);
    check_let_in(&nobody, &s, NULL);
    s.auth = TLS_AUTH_NO;
    check_let_in(&nobody, &s, NULL);
    check_let_in(&other, &s, NULL);
    nobody.ca_file.value = NULL;
    nobody.insecure = true;
    check_let_in(&nobody, &s, NULL);
}

/* ---- what a context is made of ---- */
static void check_fault(const struct tls_spec *spec, const char *option, const char *why)
{
    struct fault f = {0};
    CHECK(!tls_context_new(spec, &f));
    if (!strstr(f.what, option))
        CHECK_STR(f.what, option);
    if (!strstr(f.what, why))
        CHECK_STR(f.what, why);
    CHECK(!strstr(f.what, "open sesame"));
}

static void tells_what_is_wrong(void)
{
    struct tls_spec s = spec_of("server", "ca0.crt"), bad = s;
    bad.cert.value = path("nowhere");
    check_fault(&bad, "cert-option", "No such file");
    bad.cert.value = path("server.key");
    check_fault(&bad, "cert-option", "no start line");
    bad = s, bad.key.value = path("client.key");
    check_fault(&bad, "key-option", "does not match the certificate");
    bad.key.value = path("server.crt");
    check_fault(&bad, "key-option", path("server.crt"));
    bad.key.value = path("nowhere");
    check_fault(&bad, "key-option", "No such file");
    bad = s, bad.key.value = path("locked.key");
    check_fault(&bad, "key-option", "pass-option is not set");
    bad.pass.value = "open sesame";
    check_fault(&bad, "key-option", "pass-option does not open it");
    bad = spec_of("late", "ca0.crt");
    check_fault(&bad, "cert-option", "the certificate expired on");
    bad = s, bad.ca_file.value = path("names");
    check_fault(&bad, "ca-option", path("names"));
    bad.ca_file.value = path("nowhere");
    check_fault(&bad, "ca-option", "No such file");
    bad = s, bad.ca_dir.value = path("nowhere");
    check_fault(&bad, "dir-option", "No such file");
    bad = s, bad.dh.value = path("names");
    check_fault(&bad, "dh-option", path("names"));
    bad = s, bad.protocols.value = "TLSv1.2 TLSv9";
    check_fault(&bad, "protocols-option", "TLSv9");
    bad.protocols.value = " ";
    check_fault(&bad, "protocols-option", "no protocol");
    bad = s, bad.ciphers.value = "NONESUCH";
    check_fault(&bad, "ciphers-option", "NONESUCH");
    bad = s, bad.suites.value = "NONESUCH";
    check_fault(&bad, "suites-option", "NONESUCH");
}

static void takes_the_rest(void)
{
    struct tls_spec s = spec_of("server", "ca0.crt");
    s.key.value = path("locked.key");
    s.pass.value = "open";
    s.ca_dir.value = dir;
    s.ciphers.value = "ECDHE-ECDSA-AES128-GCM-SHA256";
    s.suites.value = "TLS_AES_128_GCM_SHA256";
    s.protocols.value = "TLSv1 TLSv1.1  TLSv1.2 TLSv1.3";
    s.server_chooses = true;
    s.cache = false;
    struct tls_context *ctx = context(&s);
    CHECK_STR(tls_context_date(ctx), "");
    tls_context_free(ctx);
    s = spec_of("late", "ca0.crt");
    s.out_of_date = true;
    ctx = context(&s);
    CHECK(strstr(tls_context_date(ctx), "expired on"));
    tls_context_free(ctx);
    tls_context_free(NULL);
}

int main(void)
{
    return UNIT_RUN(UNIT(shake_hands), UNIT(carries_much), UNIT(is_cut), UNIT(garbage),
                    UNIT(refuses), UNIT(lets_in), UNIT(tells_what_is_wrong),
                    UNIT(takes_the_rest));
}
