# SPDX-License-Identifier: BSD-3-Clause
# Certificates by the openssl command, and connections over TLS through it. Needs ../lib.tcl.

if {[auto_execok openssl] eq ""} { error "openssl is not installed: make test-deps" }

set pki [tmpdir]
proc pki {name} { return $::pki/$name }

proc openssl {args} {
    set here [pwd]
    cd $::pki
    set code [catch { exec openssl {*}$args 2>@1 } text]
    cd $here
    if {$code && $::errorCode ne "NONE"} { error "openssl $args: $text" }
}
set new_key {-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes}

proc authority {name} {
    openssl req -x509 {*}$::new_key -keyout $name.key -out $name.crt -days 30 -subj /CN=$name
}
# NAME.crt and NAME.key, by that authority, of those names, until then.
proc certificate {name ca {names IP:127.0.0.1,DNS:localhost} {until 20990101000000Z} {key ""}} {
    spit [pki names] "subjectAltName=$names"
    if {$key eq ""} { set key $::new_key }
    openssl req {*}$key -keyout $name.key -out csr -subj /CN=$name
    openssl ca -batch -config conf -cert $ca.crt -keyfile $ca.key -in csr -notext -extfile names \
        -startdate 20200101000000Z -enddate $until -out $name.crt
}

spit [pki index] ""
spit [pki conf] "\[ca\]\ndefault_ca=d\n\[d\]\ndatabase=index\nnew_certs_dir=.\nrand_serial=yes
default_md=sha256\npolicy=p\n\[p\]\ncommonName=supplied\n"
authority ca
authority other_ca
certificate one ca
certificate two ca
certificate elsewhere ca DNS:elsewhere.example
certificate expired ca IP:127.0.0.1 20210101000000Z
certificate stranger other_ca
openssl ec -in one.key -aes128 -passout pass:sesame -out locked.key

# Lines of a server that shows this certificate, and takes those of ca.
proc tls_lines {{name one}} {
    return "tls-cert-file [pki $name.crt]\ntls-key-file [pki $name.key]\ntls-ca-cert-file [pki ca.crt]\n"
}
# A server with both ports; tls_port_of knows the other one.
proc tls_server {{config ""} args} {
    set port [free_port]
    set handle [server "tls-port $port\n[tls_lines]$config" {*}$args]
    set ::tls_ports($handle) $port
    return $handle
}
proc tls_port_of {handle} { return $::tls_ports($handle) }

proc cli_words {{name one} {ca ca}} {
    return [list --tls --cacert [pki $ca.crt] --cert [pki $name.crt] --key [pki $name.key]]
}
proc tls_cli {handle args} {
    return [exec redis-cli -p [tls_port_of $handle] {*}[cli_words] {*}$args 2>@1]
}

# A channel like that of connect. words: more options of s_client.
proc tls_connect {handle {name one} args} {
    set own [expr {$name eq "" ? {} : [list -cert [pki $name.crt] -key [pki $name.key]]}]
    set fd [open [list | openssl s_client -quiet -verify_quiet -verify_return_error -connect \
        127.0.0.1:[tls_port_of $handle] -CAfile [pki ca.crt] {*}$own {*}$args 2>/dev/null] r+]
    fconfigure $fd -translation binary -buffering full -buffersize 1000000 -blocking 1
    return $fd
}
# Closing alone would wait for the program, which waits for the server.
proc hang_up {fd} {
    foreach pid [pid $fd] { catch { signal KILL $pid } }
    catch { close $fd }
}
# The other side has hung up, whatever it said before.
proc is_refused {fd} {
    catch { send $fd PING }
    set code [catch { read_reply $fd }]
    hang_up $fd
    return $code
}
