#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_transport.py: what goes over the wire and what never does: certificates, redirects, proxies, key logs,
client authentication, and what is told when it fails."""
import base64
import hashlib
import hmac
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.parse
import warnings

sys.dont_write_bytecode = True
from netserver import Reset, Server, answer, finish, is_, need, ok, probe, skip

DONE, EINVAL, CONFIG, TRANSPORT, REPLY = 0, -2, -3, -6, -8
TOKEN = answer('{"access_token":"a","token_type":"Bearer","expires_in":60}')
folder = tempfile.mkdtemp(prefix="tokeep-test.")
os.environ["HOME"] = folder


def path(name):
    return os.path.join(folder, name)


def openssl(*arguments, **more):
    return subprocess.run(("openssl",) + arguments, cwd=folder, check=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more).stdout


def make_key(name, *kind):
    openssl("genpkey", *(kind or ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")), "-out", name + ".key")
    os.chmod(path(name + ".key"), 0o600)


def make_ca(name):
    make_key(name)
    openssl("req", "-x509", "-new", "-key", name + ".key", "-subj", "/CN=" + name, "-days", "30", "-out", name + ".pem")


def make_certificate(name, ca, names, days=30):
    make_key(name)
    openssl("req", "-new", "-key", name + ".key", "-subj", "/CN=" + name, "-out", name + ".csr")
    with open(path(name + ".ext"), "w") as file:
        file.write("subjectAltName=%s\n" % names)
    openssl("x509", "-req", "-in", name + ".csr", "-CA", ca + ".pem", "-CAkey", ca + ".key", "-CAcreateserial",
            "-days", str(days), "-extfile", name + ".ext", "-out", name + ".pem")


def tls(name, **options):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path(name + ".pem"), path(name + ".key"))
    for option, value in options.items():
        setattr(context, option, value)
    return context


def certificates():
    make_ca("ca")
    make_ca("stranger")
    make_certificate("good", "ca", "IP:127.0.0.1,DNS:localhost,IP:::1")
    make_certificate("expired", "ca", "IP:127.0.0.1", -1)
    make_certificate("other-name", "ca", "DNS:other.example")
    make_certificate("other-ca", "stranger", "IP:127.0.0.1")
    make_certificate("client", "ca", "DNS:client")
    make_key("self")
    openssl("req", "-x509", "-new", "-key", "self.key", "-subj", "/CN=self", "-days", "30", "-addext",
            "subjectAltName=IP:127.0.0.1", "-out", "self.pem")


def token_at(*_):
    return [TOKEN]


def refused(said, server, sentence, *words):
    message = str(said.get("message"))
    missing = [w for w in words if w not in message]
    ok(said.get("result") == TRANSPORT and said.get("sent") == 0 and not server.requests and not missing, sentence,
       "wanted result %d, nothing sent, %s" % (TRANSPORT, words),
       "   got result %s, sent %s, %d requests, %s" % (said.get("result"), said.get("sent"), len(server.requests), message))


def test_certificates():
    for name, sentence, word in (
            ("expired", "an expired certificate is refused", "clock"),
            ("self", "a self-signed certificate is refused", "network.ca_file"),
            ("other-name", "a certificate for another name is refused", "127.0.0.1"),
            ("other-ca", "a certificate of an unknown CA is refused", "network.ca_file")):
        server = Server(token_at, tls(name))
        url = "https://127.0.0.1:%d/token" % server.port
        refused(probe(url=url, ca_file=path("ca.pem")), server, sentence, "certificate", word)
        refused(probe({"CURL_CA_BUNDLE": path(name + ".pem"), "SSL_CERT_FILE": path(name + ".pem"),
                       "SSL_CERT_DIR": folder}, url=url, ca_file=path("ca.pem")), server,
                sentence + ", whatever the environment says", "certificate")
    server = Server(token_at, tls("good"))
    url = "https://127.0.0.1:%d/token" % server.port
    refused(probe(url=url), server, "a private CA is refused where nobody named it", "network.ca_file")
    is_(probe(url=url, ca_file=path("ca.pem"))["result"], DONE, "a private CA named by ca_file is trusted")
    is_(probe({"SSL_CERT_FILE": path("ca.pem")}, url=url)["result"], DONE, "a private CA named by SSL_CERT_FILE, too")
    os.mkdir(path("hashed"))
    shutil.copy(path("ca.pem"), path("hashed/%s.0" % openssl("x509", "-hash", "-noout", "-in", "ca.pem").decode().strip()))
    is_(probe(url=url, ca_path=path("hashed"))["result"], DONE, "a private CA in a folder named by ca_path is trusted")
    is_(probe({"SSL_CERT_DIR": path("hashed")}, url=url)["result"], DONE, "and in a folder named by SSL_CERT_DIR")
    for host in "localhost", "127.0.0.1":
        is_(probe(url="https://%s:%d/token" % (host, server.port), ca_file=path("ca.pem"))["result"], DONE,
            "the name is compared: " + host)
    said = probe(url=url, ca_file=path("nowhere.pem"))
    ok(said["result"] == CONFIG and "nowhere.pem" in said["message"] and "No such file" in said["message"],
       "a ca_file that is not there is named", said.get("message"))
    with open(path("empty.pem"), "w") as file:
        file.write("no certificate\n")
    said = probe(url=url, ca_file=path("empty.pem"))
    ok(said["result"] == CONFIG and "empty.pem" in said["message"], "a ca_file without a certificate is named",
       said.get("message"))


def test_old_tls():
    context = tls("good")
    warnings.simplefilter("ignore", DeprecationWarning)
    try:
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
    except (ValueError, ssl.SSLError):
        skip("TLS 1.1 is refused", "this OpenSSL has none")
        return
    with open(path("openssl.cnf"), "w") as file: # a system that allows it
        file.write("openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n"
                   "[c]\nMinProtocol = TLSv1\nCipherString = ALL:@SECLEVEL=0\n")
    server = Server(token_at, context)
    refused(probe({"OPENSSL_CONF": path("openssl.cnf")}, url="https://127.0.0.1:%d/" % server.port, ca_file=path("ca.pem")),
            server, "TLS 1.1 is refused", "TLS")


def test_client_certificate():
    context = tls("good", verify_mode=ssl.CERT_REQUIRED)
    context.load_verify_locations(path("ca.pem"))
    server = Server(token_at, context)
    arguments = {"url": "https://127.0.0.1:%d/token" % server.port, "ca_file": path("ca.pem")}
    is_(probe(**arguments)["result"], TRANSPORT, "a server that wants a client certificate gets none unasked")
    is_(probe(tls_cert_file=path("client.pem"), tls_key_file=path("client.key"), **arguments)["result"], DONE,
        "a client certificate is shown where it is configured")
    is_(probe(tls_cert_file=path("client.pem"), tls_key_file=path("good.key"), **arguments)["result"], CONFIG,
        "a key that is another's is a mistake of the configuration")
    said = probe(tls_cert_file=path("gone.pem"), **arguments)
    ok(said["result"] == CONFIG and "gone.pem" in said["message"], "a client certificate that is not there is named")


def test_redirects():
    for scheme in "http", "https":
        thief = Server(token_at, tls("good") if scheme == "https" else None)
        for status in 301, 302, 303, 307, 308:
            where = "%s://127.0.0.1:%d/steal?a=b" % (scheme, thief.port)
            for step in "refresh", "exchange":
                server = Server(lambda _, s=status, w=where: [answer("", s, None, "Location: " + w)])
                said = probe(step=step, url="http://127.0.0.1:%d/token" % server.port, ca_file=path("ca.pem"), secret="CANARY")
                ok(said["result"] == REPLY and thief.connections == 0 and "127.0.0.1:%d;" % thief.port in said["message"] and
                   len(server.requests) == 1, "%d to %s at %s: the second server hears nothing" % (status, scheme, step),
                   said.get("message"), "%d connections" % thief.connections)


def test_key_log():
    server = Server(token_at, tls("good"))
    arguments = {"url": "https://127.0.0.1:%d/token" % server.port, "ca_file": path("ca.pem")}
    log = path("keys")
    said = probe({"SSLKEYLOGFILE": log}, **arguments)
    is_(said["result"], DONE, "SSLKEYLOGFILE disturbs nobody")
    ok(not os.path.exists(log), "and no key log is created")
    is_(said.get("key log"), log, "and the environment is as it was")
    said = probe({"SSLKEYLOGFILE": log}, host="libcurl.so.4", **arguments)
    is_(said["result"], DONE, "a host that logs its own keys")
    ok(not os.path.exists(log) or not os.path.getsize(log), "doesn't log ours")


def via(environment=None, url="https://op.invalid/token", **arguments):
    """Which request a proxy got: CONNECT's target, or None."""
    proxy = Server(lambda _: [answer("no", 403, "text/plain")])
    there = "http://127.0.0.1:%d" % proxy.port
    named = {k: there if v == "PROXY" else v for k, v in (environment or {}).items()}
    if arguments.get("proxy") == "PROXY":
        arguments["proxy"] = there
    said = probe(named, url=url, timeout=3000, **arguments)
    return (proxy.requests[0]["path"] if proxy.requests else None), said


def test_proxy():
    there, said = via(proxy="PROXY")
    is_(there, "op.invalid:443", "the configured proxy is asked")
    ok(said["result"] == TRANSPORT and said["sent"] == 0 and "403" in said["message"],
       "a proxy that refuses: nothing was sent", said.get("message"))
    is_(via({"https_proxy": "PROXY"})[0], "op.invalid:443", "https_proxy counts")
    is_(via({"HTTPS_PROXY": "PROXY"})[0], "op.invalid:443", "HTTPS_PROXY counts")
    is_(via({"https_proxy": "PROXY", "no_proxy": "op.invalid"})[0], None, "no_proxy counts")
    is_(via({"http_proxy": "PROXY", "HTTP_PROXY": "PROXY"})[0], None, "http_proxy does not")
    is_(via({"no_proxy": "op.invalid"}, proxy="PROXY")[0], "op.invalid:443", "the configured proxy has no exceptions")
    for host in "127.0.0.1", "localhost", "[::1]":
        is_(via({"https_proxy": "PROXY", "http_proxy": "PROXY", "all_proxy": "PROXY"}, "http://%s:1/token" % host,
                proxy="PROXY")[0], None, "no proxy is asked for " + host)


def test_request():
    server = Server(token_at)
    url = "http://127.0.0.1:%d/token" % server.port
    with open(path(".netrc"), "w") as file:
        file.write("machine 127.0.0.1 login CANARY password CANARY\n")
    os.chmod(path(".netrc"), 0o600)
    is_(probe({"HOME": folder, "NETRC": path(".netrc"), "CURL_HOME": folder}, url=url)["result"], DONE, "a refresh")
    request = server.requests.pop()
    is_((request["method"], request["path"]), ("POST", "/token"), "is a POST without a query")
    is_(request["body"], "grant_type=refresh_token&refresh_token=CANARY-refresh&client_id=client", "and these parameters")
    is_(sorted(request["headers"]), ["accept", "content-length", "content-type", "host", "user-agent"],
        "and no other header: no cookie, no .netrc, no Accept-Encoding, no Expect")
    is_(request["headers"]["content-type"], "application/x-www-form-urlencoded", "and a form")
    ok(request["headers"]["user-agent"].startswith("tokeep/"), "and our name")
    odd = "a b&c=d+e%f\u00fc'\"*~"
    probe(url=url, step="exchange", code=odd, redirect="http://127.0.0.1:1/cb?x=1&y=2", verifier="v" * 43)
    is_(urllib.parse.parse_qsl(server.requests.pop()["body"], strict_parsing=True),
        [("grant_type", "authorization_code"), ("code", odd), ("redirect_uri", "http://127.0.0.1:1/cb?x=1&y=2"),
         ("code_verifier", "v" * 43), ("client_id", "client")], "an exchange sends every byte as it is")
    probe(url=url, step="credentials", scope="x y", soid="ZohoCRM.1", dialect="zoho", secret="s")
    is_(server.requests.pop()["body"],
        "grant_type=client_credentials&scope=x+y&soid=ZohoCRM.1&client_id=client&client_secret=s",
        "client credentials, with Zoho's soid and its secret in the body")


def test_basic():
    server = Server(token_at)
    url = "http://127.0.0.1:%d/token" % server.port
    client, secret = "my:id /x", "p%&=:\u00fc+"
    probe(url=url, client_id=client, secret=secret)
    request = server.requests.pop()
    kind, _, value = request["headers"].get("authorization", "").partition(" ")
    is_((kind, base64.b64decode(value).decode()), ("Basic", "my%3Aid+%2Fx:p%25%26%3D%3A%C3%BC%2B"),
        "a client with a secret proves itself by Basic, both encoded first")
    ok("client_" not in request["body"], "and not in the body as well", request["body"])
    probe(url=url, secret=secret, auth="post")
    request = server.requests.pop()
    is_(dict(urllib.parse.parse_qsl(request["body"])).get("client_secret"), secret, "post puts the secret into the body")
    ok("authorization" not in request["headers"], "and nowhere else")
    probe(url=url, secret=secret, auth="none")
    request = server.requests.pop()
    ok("authorization" not in request["headers"] and "client_secret" not in request["body"], "none sends no secret")
    said = probe(url=url, auth="basic")
    ok(said["result"] == CONFIG and "tokeep.conf:7" in said["message"] and "client_secret" in said["message"] and
       not server.requests, "basic without a secret is refused", said.get("message"))


def part(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def assertion(**arguments):
    """The header, claims, signature and signed text of what a server got."""
    server = Server(token_at)
    url = "http://127.0.0.1:%d/token" % server.port
    said = probe(url=url, **arguments)
    if said["result"] != DONE:
        return None, None, said.get("message"), None, url
    body = dict(urllib.parse.parse_qsl(server.requests[0]["body"]))
    if body["client_assertion_type"] != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer":
        return None, None, body, None, url
    text, _, signature = body["client_assertion"].rpartition(".")
    header, claims = text.split(".")
    return json.loads(part(header)), json.loads(part(claims)), part(signature), text.encode(), url


def to_der(signature):
    """r and s side by side as the DER that the openssl command reads."""
    def integer(data):
        data = data.lstrip(b"\0") or b"\0"
        data = b"\0" + data if data[0] & 0x80 else data
        return b"\x02" + bytes([len(data)]) + data
    whole = integer(signature[:32]) + integer(signature[32:])
    return b"\x30" + bytes([len(whole)]) + whole


def verified(name, signature, text, *options):
    openssl("pkey", "-in", name + ".key", "-pubout", "-out", name + ".pub")
    with open(path("text"), "wb") as file:
        file.write(text)
    with open(path("signature"), "wb") as file:
        file.write(signature)
    try:
        return b"Verified OK" in openssl("dgst", "-sha256", "-verify", name + ".pub", "-signature", "signature", *options,
                                         "text")
    except subprocess.CalledProcessError:
        return False


def test_assertions():
    now = int(time.time())
    pss = ("-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32")
    make_key("rsa", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
    make_key("pss", "-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048")
    make_key("ec")
    for name, algorithm, options in (("rsa", "RS256", ()), ("pss", "PS256", pss), ("ec", "ES256", ())):
        header, claims, signature, text, url = assertion(auth="private_key_jwt", key_file=path(name + ".key"), key_id='k"1',
                                                         client_id="c\\1", now=now * 1000)
        if not ok(header is not None, "private_key_jwt with a key of kind " + name, signature):
            continue
        is_(header, {"alg": algorithm, "typ": "JWT", "kid": 'k"1'}, "its header says " + algorithm)
        is_({k: claims[k] for k in ("iss", "sub", "aud", "iat")}, {"iss": "c\\1", "sub": "c\\1", "aud": url, "iat": now},
            "its claims name the client and the token endpoint")
        ok(60 <= claims["exp"] - now <= 300 and len(claims["jti"]) >= 22, "it is short-lived and has an id", claims)
        ok(verified(name, to_der(signature) if name == "ec" else signature, text, *options),
           "its signature is right (%s)" % algorithm)
    header, claims, signature, text, url = assertion(auth="client_secret_jwt", secret="shared", now=now * 1000)
    is_(header, {"alg": "HS256", "typ": "JWT"}, "client_secret_jwt says HS256")
    is_(signature, hmac.new(b"shared", text, hashlib.sha256).digest(), "and is keyed with the secret")
    is_(len({assertion(auth="client_secret_jwt", secret="shared")[1]["jti"] for _ in range(5)}), 5, "no two ids are equal")


def test_bad_keys():
    server = Server(token_at)
    make_key("p384", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384")
    shutil.copy(path("ec.key"), path("open.key"))
    os.chmod(path("open.key"), 0o644)
    openssl("pkey", "-in", "ec.key", "-aes128", "-passout", "pass:x", "-out", "locked.key")
    os.chmod(path("locked.key"), 0o600)
    for name, word in (("gone.key", "No such file"), ("open.key", "chmod 600"), ("p384.key", "P-256"),
                       ("locked.key", "pass phrase"), ("ca.pem", "chmod"), ("", "is no file")):
        began = time.monotonic()
        said = probe(url="http://127.0.0.1:%d/" % server.port, auth="private_key_jwt", key_file=path(name))
        ok(said["result"] == CONFIG and folder in said["message"] and word in said["message"] and
           time.monotonic() - began < 3, "a key that can't be used is named: %s" % (name or "a folder"), said.get("message"))
    is_(server.connections, 0, "and nobody is asked")


def unused_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def test_sent():
    said = probe(url="http://127.0.0.1:%d/" % unused_port())
    ok(said["result"] == TRANSPORT and said["sent"] == 0 and "Connection refused" in said["message"],
       "a refused connection: nothing was sent", said.get("message"))
    said = probe(url="https://nobody.invalid/", timeout=4000)
    ok(said["result"] == TRANSPORT and said["sent"] == 0 and "https://nobody.invalid: " in said["message"],
       "an unknown name: nothing was sent", said.get("message"))
    silent = socket.socket()
    silent.bind(("127.0.0.1", 0))
    silent.listen(8)
    said = probe(url="https://127.0.0.1:%d/" % silent.getsockname()[1], timeout=800)
    ok(said["result"] == TRANSPORT and said["sent"] == 0 and said["elapsed_ms"] < 2000,
       "a TLS handshake that never ends: nothing was sent", said)
    said = probe(url="http://127.0.0.1:%d/" % silent.getsockname()[1], timeout=800)
    ok(said["result"] == TRANSPORT and said["sent"] == 1 and said["elapsed_ms"] < 2000,
       "no answer: something may have been sent", said)
    silent.close()
    said = probe(url="http://127.0.0.1:1/", timeout=0)
    ok(said["result"] == TRANSPORT and said["sent"] == 0, "no time left: nothing is sent", said)
    server = Server(lambda _: [Reset], tls("good"))
    said = probe(url="https://127.0.0.1:%d/" % server.port, ca_file=path("ca.pem"))
    ok(said["result"] == TRANSPORT and said["sent"] == 1, "a TLS connection cut after the request: it was sent", said)


def test_urls():
    for url, word in (("file:///etc/hostname", "https"), ("ftp://127.0.0.1/", "https"), ("gopher://127.0.0.1/", "https"),
                      ("http://op.example/token", "use https"), ("http://127.0.0.1.evil.example/", "use https"),
                      ("http://127.0.0.1@evil.example/", "user name"), ("https://user:CANARY@op.example/", "user name"),
                      ("https://op.example/#x", "fragment"), ("https://op.example/a b", "blank"),
                      ("https://op.example/\x01", "control"), ("https://op.example\\@evil.example/", "character"),
                      ("https:///token", "host"), ("https://op.example:99999/", "65535"), ("https://op.example:/", "65535"),
                      ("https://op.example:80x/", "host"), ("https://[::1/", "host"), ("http://[::2]/", "use https"),
                      ("https://\u00f6p.example/", "character"), ("//op.example/", "https"), ("op.example", "https")):
        said = probe(url=url)
        ok(said["result"] == CONFIG and word in said["message"] and "CANARY" not in said["message"] and said["sent"] == 0,
           "no request is made to %r" % url, said.get("message"))


def test_api_side():
    server = Server(lambda r: [answer("x" * 100000, 418, "Text/PLAIN; charset=utf-8", 'WWW-Authenticate: Bearer error="x"')])
    url = "http://127.0.0.1:%d/things?a=b" % server.port
    said = probe(step="get", url=url, method="PATCH", body="{}", content_type="application/json")
    is_((said["result"], said["status"], said["content_type"], said["www_authenticate"], len(said["body"])),
        (0, 418, "text/plain", 'Bearer error="x"', 100000), "any status is an answer")
    request = server.requests.pop()
    is_((request["method"], request["path"], request["body"], request["headers"]["content-type"], request["headers"]["x-test"]),
        ("PATCH", "/things?a=b", "{}", "application/json", "1"), "method, query, body and headers go as given")
    said = probe(step="get", url=url, sink=1)
    is_(sum(int(line[7:]) for line in said["lines"] if line.startswith("piece: ")), 100000, "a sink gets every piece")
    is_(probe(step="get", url=url, sink=1, stop=1)["result"], EINVAL, "and may stop it with its own result")
    is_(probe(step="get", url=url, size_max=99999)["result"], REPLY, "one byte too many is too large")
    is_(probe(step="get", url=url, size_max=100000)["result"], DONE, "and the limit itself is not")
    server.requests.clear()
    said = probe(step="get", url=url, header_line="X: 1\r\nX-Evil: 2")
    ok(said["result"] == EINVAL and not server.requests, "a header with a line break is refused", said.get("message"))
    said = probe(step="get", url=url, method="GET / HTTP/1.1\r\nX: y\r\n\r\n")
    ok(said["result"] == EINVAL and not server.requests, "a method that is more than one is refused", said.get("message"))
    probe(step="get", url=url, method="PUT", body_bytes=2000000)
    ok("expect" not in server.requests[-1]["headers"], "a large body does not wait for 100 Continue")
    head = Server(lambda _: [b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"])
    is_(probe(step="get", url="http://127.0.0.1:%d/" % head.port, method="HEAD")["result"], DONE, "HEAD has no body")


def test_threads_fork_signals():
    server = Server(token_at, tls("good"))
    arguments = {"step": "get", "url": "https://127.0.0.1:%d/" % server.port, "ca_file": path("ca.pem")}
    is_(probe(threads=16, **arguments).get("failed"), 0, "sixteen threads send at once")
    said = probe(fork=1, **arguments)
    is_((said.get("child"), [l for l in said["lines"] if l.startswith("result")]), (0, ["result: 0"] * 2),
        "parent and child of fork() both send")
    for context, scheme in ((None, "http"), (tls("good"), "https")):
        def hang_up(connection):
            connection.recv(1000)
            connection.close()
        rude = Server(lambda _: [], context)
        rude.read = lambda connection: (hang_up(connection), None)[1]
        said = probe(step="get", url="%s://127.0.0.1:%d/" % (scheme, rude.port), method="POST", body_bytes=8000000,
                     ca_file=path("ca.pem"))
        ok(said["exit"] == 0 and said.get("result") == TRANSPORT and said.get("sent") == 1,
           "a server that hangs up in the middle of a request (%s) kills nobody" % scheme, said)
    six = None
    try:
        six = Server(token_at, tls("good"), "::1")
    except OSError:
        skip("IPv6 loopback", "there is none")
    if six:
        is_(probe(url="https://[::1]:%d/" % six.port, ca_file=path("ca.pem"))["result"], DONE, "IPv6 loopback")


def main():
    need("openssl")
    try:
        certificates()
        for name, test in sorted(globals().items()):
            if name.startswith("test_"):
                test()
    finally:
        shutil.rmtree(folder)
    finish()


main()
