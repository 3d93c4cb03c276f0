#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_oidc.py: every way to log in, and what follows it, at a certified authorization server (npm oidc-provider), by
http on loopback and by https with a CA of our own. What the user does in a browser is done here with a cookie jar."""
import base64
import html
import http.cookiejar
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

sys.dont_write_bytecode = True
from netserver import CLEAN, finish, is_, need, ok, skip

HERE = os.path.dirname(os.path.abspath(__file__))
NODE = os.path.join(os.getcwd(), "oidc-provider")
SECRET = "a secret: with+signs/and=more%than&letters"
PROVIDER_CLIENTS = ["public", "basic", "post", "secret_jwt", "jwt"]

need("node", "npm", "openssl", "tokeep")
scratch = tempfile.mkdtemp(prefix="tokeep-oidc.")
os.chmod(scratch, 0o700)
processes = []


def at(name):
    return os.path.join(scratch, name)


def clean_up():
    for process in processes:
        process.send_signal(signal.SIGTERM)
        process.wait()
    shutil.rmtree(scratch)


def install():
    """What package-lock.json pins, once a build folder."""
    os.makedirs(NODE, exist_ok=True)
    for name in ("package.json", "package-lock.json", "oidc-provider.mjs"):
        shutil.copy(os.path.join(HERE, "node", name), NODE)
    if os.path.exists(os.path.join(NODE, "node_modules", "oidc-provider")):
        return True
    done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=NODE, timeout=400,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        print("# " + done.stdout.decode("utf-8", "replace").strip().replace("\n", "\n# "))
    return done.returncode == 0


def openssl(*arguments):
    return subprocess.run(("openssl",) + arguments, cwd=scratch, check=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout


def make_keys():
    """A CA, a server of it, a client of it, and the key of client jwt."""
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj",
            "/CN=Test CA", "-addext", "basicConstraints=critical,CA:TRUE")
    for name, extension in (("server", "subjectAltName=IP:127.0.0.1"), ("tls", "extendedKeyUsage=clientAuth")):
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", name + ".key", "-out", name + ".csr", "-subj",
                "/CN=" + name)
        with open(at("extension"), "w") as file:
            file.write(extension + "\n")
        openssl("x509", "-req", "-in", name + ".csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
                "-extfile", "extension", "-out", name + ".pem")
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "jwt.key")
    os.chmod(at("jwt.key"), 0o600)
    os.chmod(at("tls.key"), 0o600)
    point = openssl("pkey", "-in", "jwt.key", "-pubout", "-outform", "DER")[-64:]
    x, y = (base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (point[:32], point[32:]))
    with open(at("jwt.json"), "w") as file:
        json.dump({"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": "one", "alg": "ES256", "use": "sig"}, file)


class Provider:
    def __init__(self, https=False, **environment):
        self.name = "https" if https else "http"
        self.log = at("log.%d" % len(processes))
        keys = [at("server.pem"), at("server.key"), at("ca.pem")] if https else ["-", "-", "-"]
        self.errors = open(at("errors.%d" % len(processes)), "w")
        process = subprocess.Popen(["node", "oidc-provider.mjs"] + keys + [at("jwt.json")], cwd=NODE,
                                   env=dict(CLEAN, TOKEEP_TEST_LOG=self.log, NODE_NO_WARNINGS="1", **environment),
                                   stdout=subprocess.PIPE, stderr=self.errors, text=True)
        processes.append(process)
        self.issuer = process.stdout.readline().strip()
        self.context = ssl.create_default_context(cafile=at("ca.pem"))

    def requests(self, path):
        if not os.path.exists(self.log):
            return 0
        with open(self.log) as file:
            return sum(line.split()[1] == path for line in file)

    def browser(self):
        return Browser(self.context)


class Browser:
    """Follows redirects, keeps cookies, fills in forms."""

    def __init__(self, context):
        self.opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context),
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
        self.page = self.url = None

    def open(self, url, fields=None):
        data = urllib.parse.urlencode(fields).encode() if fields is not None else None
        try:
            with self.opener.open(url, data, timeout=20) as answer:
                self.url, self.page = answer.geturl(), answer.read().decode("utf-8", "replace")
        except urllib.error.HTTPError as error:
            self.url, self.page = error.geturl(), error.read().decode("utf-8", "replace")
        return self.page

    def submit(self, **fields):
        form = re.search(r"<form.*?</form>", self.page, re.S).group(0)
        action = html.unescape(re.search(r'action="([^"]*)"', form).group(1))
        filled = {}
        for tag in re.findall(r"<input[^>]*>", form):
            pair = dict(re.findall(r'(\w+)="([^"]*)"', tag))
            if "name" in pair:
                filled[pair["name"]] = html.unescape(pair.get("value", ""))
        filled.update(fields)
        return self.open(urllib.parse.urljoin(self.url, action), filled)

    def log_in(self, user):
        """The provider's own pages: who, then whether."""
        self.submit(login=user, password="x")
        return self.submit()


class Home:
    """A configuration of all clients for one provider, and a store."""

    def __init__(self, provider, network="", only=None):
        self.provider = provider
        self.folder = tempfile.mkdtemp(dir=scratch)
        self.environment = dict(CLEAN, HOME=self.folder, XDG_STATE_HOME=self.folder, XDG_CONFIG_HOME=self.folder,
                                TOKEEP_CONFIG=os.path.join(self.folder, "tokeep.conf"))
        ways = {"public": 'client_auth = "none";', "basic": 'client_secret = "%s";' % SECRET,
                "post": 'client_auth = "post"; client_secret = "%s";' % SECRET,
                "secret_jwt": 'client_auth = "client_secret_jwt"; client_secret = "%s";' % SECRET,
                "jwt": 'client_auth = "private_key_jwt"; key_file = "%s"; key_id = "one";' % at("jwt.key"),
                "tls": 'client_auth = "none"; tls_cert_file = "%s"; tls_key_file = "%s";' % (at("tls.pem"), at("tls.key")),
                "machine": 'client_secret = "%s";' % SECRET}
        with open(self.environment["TOKEEP_CONFIG"], "w") as file:
            os.chmod(file.name, 0o600)
            file.write('store = "file"; file = { path = "%s/tokens.csv"; }; state_dir = "%s/state";\n' %
                       (self.folder, self.folder))
            file.write("network = { %s };\nrefresh = { timeout = 20; };\nclients = {\n" % network)
            for name, way in ways.items():
                scope = "api" if name == "machine" else "openid offline_access api"
                params = "" if name == "machine" else 'authorization_params = { prompt = "consent"; };'
                file.write(' %s = { issuer = "%s"; client_id = "%s"; scope = "%s"; api_hosts = [ "%s" ]; %s %s };\n' %
                           (name, provider.issuer, name, scope, provider.issuer.split("//")[1], way, params))
            file.write("};\n")

    def start(self, *arguments):
        return subprocess.Popen(("tokeep",) + arguments, env=self.environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, *arguments, said=""):
        return subprocess.run(("tokeep",) + arguments, env=self.environment, input=said, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=60)

    def record(self, user, client=None):
        done = self.run("show", user, "--reveal", "--json", *(("--client", client) if client else ()))
        return json.loads(done.stdout) if not done.returncode else {}


def code_login(home, client, user, deny=False):
    """tokeep login CLIENT, the browser's part played: exit code, what the browser saw last, standard error."""
    process = home.start("login", client, "--no-browser", "--json")
    line = process.stderr.readline()
    page = ""
    if line.startswith('{"login"'):
        browser = home.provider.browser()
        browser.open(json.loads(line)["login"]["url"])
        if deny:
            link = re.search(r'href="([^"]*/abort)"', browser.page)
            page = browser.open(urllib.parse.urljoin(browser.url, link.group(1)))
        else:
            page = browser.log_in(user)
    out, err = process.communicate(timeout=60)
    return process.returncode, page, line + err


def device_login(home, client, user, decide):
    process = home.start("login", client, "--device", "--json")
    line = process.stderr.readline()
    if line.startswith('{"device"'):
        shown = json.loads(line)["device"]
        decide(home.provider.browser(), shown, user)
    out, err = process.communicate(timeout=60)
    return process.returncode, line + err


def approve(browser, shown, user):
    browser.open(shown["verification_uri"])
    browser.submit(user_code=shown["user_code"])
    browser.submit()  # yes, this code
    browser.log_in(user)


def deny(browser, shown, user):
    browser.open(shown["verification_uri"])
    browser.submit(user_code=shown["user_code"])
    browser.submit(abort="yes")


def test_code(home, client):
    name = "%s, %s: " % (home.provider.name, client)
    user = "%s@example.com" % client
    code, page, err = code_login(home, client, user)
    is_(code, 0, name + "authorization code with PKCE ends in a token")
    if code:
        print("# " + err)
        return
    first = home.record(user)
    ok(first.get("refresh_token") and first.get("issuer") == home.provider.issuer,
       name + "the record has a refresh token and its issuer, under the name of the id_token", first.keys())
    done = home.run("refresh", user)
    second = home.record(user)
    ok(done.returncode == 0 and second["refresh_token"] != first["refresh_token"] and
       second["access_token"] != first["access_token"], name + "a refresh rotates", done.stderr)
    is_(home.run("api", user, home.provider.issuer + "/me", "-H", "Accept: application/json").stdout,
        '{"sub":"%s"}' % user, name + "the access token is good for an API call")
    done = home.run("revoke", user, "--json")
    ok(done.returncode == 0 and json.loads(done.stdout)["revoked"] and not home.record(user),
       name + "revoke gives it back and deletes it", done.stderr)
    done = home.run("login", client, "--refresh-token", "-", "--user", user, said=second["refresh_token"])
    is_(done.returncode, 5, name + "what was revoked is dead")


def test_refused_code(home):
    code, page, err = code_login(home, "public", "alice@example.com", deny=True)
    is_(code, 5, "a login that the user refuses is exit 5")
    ok("access_denied" in err and not home.run("list", "--json").stdout.strip("[]\n"), "it says so, and stores nothing", err)


def test_reuse(home):
    """The provider revokes the grant when an old refresh token is shown: we must never do that by ourselves."""
    code_login(home, "public", "alice@example.com")
    first = home.record("alice@example.com")
    before = home.provider.requests("/token")
    askers = [home.start("token", "alice@example.com", "--min-ttl", "86400") for _ in range(8)]
    for asker in askers:
        asker.communicate(timeout=60)
    is_([a.returncode for a in askers], [0] * 8, "eight at once get a token from a provider that punishes reuse")
    is_(home.run("refresh", "alice@example.com").returncode, 0, "the grant lives on")
    ok(home.provider.requests("/token") > before, "which the provider was asked for")
    stolen = home.run("login", "public", "--refresh-token", "-", "--user", "mallory@example.com",
                      said=first["refresh_token"])
    is_(stolen.returncode, 5, "an old refresh token is refused")
    done = home.run("refresh", "alice@example.com")
    is_(done.returncode, 5, "and the whole grant with it: exit 5")
    ok("tokeep login public" in done.stderr, "which names the login to run", done.stderr)
    before = home.provider.requests("/token")
    is_((home.run("refresh", "alice@example.com").returncode, home.provider.requests("/token") - before), (5, 0),
        "the provider is not asked again")


def test_device(home, short):
    code, err = device_login(home, "public", "dora@example.com", approve)
    is_(code, 0, "a device login that is approved ends in a token")
    record = home.record("dora@example.com")
    ok(record.get("grant_type") == "device_code" and record.get("refresh_token"), "with a refresh token", err)
    is_(home.run("refresh", "dora@example.com").returncode, 0, "that refreshes")
    code, err = device_login(home, "basic", "dora@example.com", deny)
    is_((code, "access_denied" in err), (5, True), "one that is denied is exit 5")
    began = time.monotonic()
    code, err = device_login(short, "public", "dora@example.com", lambda *_: None)
    is_((code, "login public --device" in err), (5, True), "one that nobody approves in time is exit 5, with what to run")
    ok(time.monotonic() - began < 15, "when the code expires, not later")
    is_(short.run("list", "--json").stdout.strip(), "[]", "and nothing is stored")


def test_machine(home):
    done = home.run("login", "machine", "--client-credentials", "--json")
    is_(done.returncode, 0, "client credentials end in a token")
    first = home.record("machine")
    is_((first.get("grant_type"), first.get("refresh_token")), ("client_credentials", None),
        "of the client's name, without a refresh token")
    done = home.run("refresh", "machine")
    ok(done.returncode == 0 and home.record("machine")["access_token"] != first["access_token"],
       "it is asked for anew", done.stderr)
    done = home.run("revoke", "machine")
    ok(done.returncode == 0 and "revoked" in done.stderr, "an access token alone is revoked, too", done.stderr)


def test_clients(home):
    """What the provider says no to."""
    path = home.environment["TOKEEP_CONFIG"]
    with open(path) as file:
        text = file.read()
    with open(path, "w") as file:
        file.write(text.replace(SECRET, "wrong"))
    done = home.run("login", "machine", "--client-credentials")
    ok(done.returncode == 9 and "invalid_client" in done.stderr and "clients.machine" in done.stderr,
       "a wrong secret is exit 9 and names the client", done.stderr)
    with open(path, "w") as file:
        file.write(text.replace('client_id = "machine"', 'client_id = "nobody"'))
    done = home.run("login", "machine", "--client-credentials")
    ok(done.returncode == 9 and "invalid_client" in done.stderr, "an unknown client is exit 9", done.stderr)
    with open(path, "w") as file:
        file.write(text)


def test_tls(provider, network):
    home = Home(provider, network)
    test_code(home, "basic")
    test_code(home, "tls")
    plain = Home(provider)
    before = provider.requests("/token")
    done = plain.run("login", "machine", "--client-credentials")
    ok(done.returncode == 6 and "certificate" in done.stderr and "ca_file" in done.stderr,
       "without its CA the server is refused, exit 6, and ca_file is named", done.stderr)
    is_(provider.requests("/token"), before, "no token request is made")
    plain.environment["SSL_CERT_FILE"] = at("ca.pem")
    is_(plain.run("login", "machine", "--client-credentials").returncode, 0, "SSL_CERT_FILE names one as well")
    folder = at("hashed")
    os.mkdir(folder)
    shutil.copy(at("ca.pem"), folder)
    openssl("rehash", folder)
    is_(Home(provider, 'ca_path = "%s";' % folder).run("login", "machine", "--client-credentials").returncode, 0,
        "and so does a hashed folder")


def main():
    if not install():
        skip("everything", "npm could not install oidc-provider")
        finish()
    make_keys()
    plain, short, https = Provider(), Provider(DEVICE_LIFE="7"), Provider(https=True)
    home = Home(plain)
    for client in PROVIDER_CLIENTS:
        test_code(home, client)
    test_refused_code(Home(plain))
    test_reuse(Home(plain))
    test_device(home, Home(short))
    test_machine(home)
    test_clients(home)
    test_tls(https, 'ca_file = "%s";' % at("ca.pem"))
    finish()


try:
    main()
finally:
    clean_up()
