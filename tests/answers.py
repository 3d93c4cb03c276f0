# SPDX-License-Identifier: LGPL-2.1-or-later
"""answers.py: odd and hostile answers of a token endpoint, and what each comes to, as a table."""
import email.utils
import gzip
import time

from netserver import Reset, answer

DONE, LOGIN, TRANSPORT, LATER, REPLY, CLIENT = 0, -5, -6, -7, -8, -9
NOW = 1000000000000
HOUR = str(NOW + 3600000)
CENTURY = str(NOW + 100 * 365 * 86400 * 1000)

cases = []


def case(name, pieces, result, says=None, step="refresh", dialect="rfc", arguments=None, **wanted):
    """`wanted` are lines of the probe; None: absent."""
    if isinstance(pieces, bytes):
        pieces = [pieces]
    cases.append((name, pieces, result, says, dict({"step": step, "dialect": dialect}, **(arguments or {})), wanted))


def token(**members):
    """A good token answer's body with members changed; a value is JSON already, None leaves the member out."""
    whole = {"access_token": '"new-access"', "token_type": '"Bearer"', "expires_in": "3600"}
    whole.update(members)
    return "{%s}" % ",".join('"%s":%s' % (k, v) for k, v in whole.items() if v is not None)


def good(name, text, **wanted):
    case(name, answer(text), DONE, access_token="new-access", **wanted)


def bad(name, text, says=None, **wanted):
    case(name, answer(text), REPLY, says, access_token=None, **wanted)


# Success, plain and odd.
good("a plain token answer", token(), expiry_time=int(HOUR), token_type="Bearer", refresh_token=None)
good("a new refresh token", token(refresh_token='"r2"'), refresh_token="r2")
good("refresh_token null is absent", token(refresh_token="null"), refresh_token=None)
good("refresh_token empty is absent", token(refresh_token='""'), refresh_token=None)
good("unknown members", token(extra='{"a":[1,2,{"b":null}]}'))
good("token_type in any case", token(token_type='"bEARER"'), token_type="bEARER")
good("token_type missing", token(token_type=None))
good("token_type null", token(token_type="null"))
good("scope and id_token", token(scope='"a b"', id_token='"x.y.z"'), scope="a b", id_token="x.y.z")
good("a scope that is a list is dropped", token(scope='["a","b"]'), scope=None)
good("an id_token with a line break is dropped", token(id_token='"x\\ny"'), id_token=None)
good("error null beside a token", token(error="null"))
good("error false beside a token", token(error="false"))
good("error empty beside a token", token(error='""'))
good("blanks around the JSON", " \r\n\t" + token() + "\r\n\r\n ")
good("a byte order mark", "\ufeff" + token())
good("escapes in a token", token(access_token='"new\\u002daccess"'))
good("many members", "{%s,%s" % (",".join('"m%d":%d' % (i, i) for i in range(2000)), token()[1:]))
good("api_domain is not for a plain provider", token(api_domain='"https://www.zohoapis.eu"'), api_domain=None)
case("a token of 64 KiB", answer(token(access_token='"%s"' % ("a" * 65536))), DONE, access_token="a" * 65536)
case("wrong content type, right JSON", answer(token(), 200, "text/html; charset=utf-8"), DONE,
     access_token="new-access")
case("no content type", answer(token(), 200, None), DONE, access_token="new-access")
case("a form", answer("access_token=new-access&scope=a%20b+c&token_type=bearer", 200,
                      "application/x-www-form-urlencoded; charset=utf-8"), DONE, access_token="new-access",
     scope="a b c", expiry_time=int(HOUR))
case("a form with expires_in", answer("access_token=new-access&token_type=bearer&expires_in=60", 200,
                                      "application/x-www-form-urlencoded"), DONE, expiry_time=NOW + 60000)
case("JSON called a form", answer(token(), 200, "application/x-www-form-urlencoded"), DONE,
     access_token="new-access")
case("HTTP/1.0 that ends by closing", b"HTTP/1.0 200 OK\r\n\r\n" + token().encode(), DONE, access_token="new-access")
case("chunks of one byte", [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"] +
     [b"1\r\n%c\r\n" % c for c in token().encode()] + [b"0\r\n\r\n"], DONE, access_token="new-access")
case("an interim answer first", b"HTTP/1.1 103 Early Hints\r\nRetry-After: 99\r\nLocation: /x\r\n\r\n" + answer(token()),
     DONE, access_token="new-access")
case("a cookie", answer(token(), 200, "application/json", "Set-Cookie: a=b"), DONE, access_token="new-access")
case("bytes behind the answer", answer(token()) + b"GARBAGE", DONE, access_token="new-access")

# expires_in
for value, at in (('"3600"', HOUR), ("3600.5", str(NOW + 3600500)), ("0", str(NOW)), ("-1", str(NOW)), ('"-5"', str(NOW)),
                  ("1e308", CENTURY), ('"1e308"', CENTURY), ("99999999999999999999999", CENTURY),
                  ("9223372036854775807", CENTURY), ('"3600abc"', HOUR), ('"0x10"', HOUR), ('"inf"', HOUR), ('"nan"', HOUR),
                  ('" 60"', HOUR), ('"1,5"', HOUR), ("true", HOUR), ("null", HOUR), ('""', HOUR), ("[60]", HOUR),
                  ('{"a":60}', HOUR), (None, HOUR), ("60", str(NOW + 60000))):
    good("expires_in %s" % value, token(expires_in=value), expiry_time=int(at))
case("the client's own token_life", answer(token(expires_in=None)), DONE, arguments={"token_life": 120},
     expiry_time=NOW + 120000)

# 200, but no token answer.
bad("an empty body", "", "empty")
bad("null", "null", "no object")
bad("an array", "[%s]" % token(), "no object")
bad("a string", '"new-access"', "no object")
bad("a number", "1")
bad("HTML", "<html><body>Please log in</body></html>", "no JSON")
bad("an empty object", "{}", "access_token is missing")
bad("access_token null", token(access_token="null"), "missing")
bad("access_token empty", token(access_token='""'), "missing")
bad("access_token a number", token(access_token="12345"), "no text")
bad("access_token an array", token(access_token='["new-access"]'), "no text")
bad("access_token an object", token(access_token='{"value":"new-access"}'), "no text")
bad("access_token true", token(access_token="true"), "no text")
bad("NUL in the token", token(access_token='"new\\u0000access"'), "no text")
bad("a line break in the token", token(access_token='"new\\r\\nX-Evil: 1"'), "character")
bad("ESC in the token", token(access_token='"new\\u001b[2J"'), "character")
bad("DEL in the token", token(access_token='"new\\u007f"'), "character")
bad("a letter beyond ASCII in the token", token(access_token='"new-\u00e4ccess"'), "character")
bad("a token of 64 KiB and one", token(access_token='"%s"' % ("a" * 65537)), "65536")
bad("a token of 500 KiB", token(access_token='"%s"' % ("a" * 512000)), "65536")
bad("token_type mac", token(token_type='"mac"'), "mac")
bad("token_type DPoP", token(token_type='"DPoP"'), "DPoP")
bad("token_type N_A", token(token_type='"N_A"'), "N_A")
bad("token_type a number", token(token_type="1"), "token_type")
bad("token_type with controls", token(token_type='"\\u001b[2Jx"'), "?[2Jx")
bad("a member twice", '{"access_token":"a","access_token":"b","token_type":"Bearer"}', "twice")
bad("a member of a member twice", token(x='{"a":1,"a":2}'), "twice")
bad("JSON cut off", token()[:-9], "no JSON")
bad("words behind the JSON", token() + "oops", "no JSON")
bad("two objects", token() + token(), "no JSON")
bad("a comment", "/* hello */" + token(), "no JSON")
bad("single quotes", token().replace('"', "'"), "no JSON")
bad("a number beyond double", token(expires_in="1e400"), "no JSON")
bad("100,000 arrays deep", token(x="[" * 100000 + "]" * 100000), "deeply")
bad("100,000 objects deep", token(x='{"a":' * 100000 + "1" + "}" * 100000), "deeply")
bad("100,000 deep and never closed", "[" * 100000, "deeply")
bad("300,000 empty objects", token(x="[%s]" % ",".join(["{}"] * 300000)), "members")
bad("500,000 numbers", token(x="[%s]" % ",".join("0" * 500000)), "members")
case("bytes that are no UTF-8", answer(token(access_token='"new-\u00ff"').encode("latin-1")), REPLY, "no JSON")
case("UTF-16", answer(token().encode("utf-16")), REPLY, "no JSON")
case("NUL bytes", answer(b"\0" * 1000), REPLY, "no JSON")
case("a gzip bomb", answer(gzip.compress(b"\0" * 10000000), 200, "application/json", "Content-Encoding: gzip"), REPLY,
     "no JSON")
case("a form with a member twice", answer("access_token=a&access_token=b", 200, "application/x-www-form-urlencoded"), REPLY,
     "form")
case("a form with a wrong %", answer("access_token=a%zz", 200, "application/x-www-form-urlencoded"), REPLY, "form")
case("a form of 100,000 members", answer("&".join("m%d=" % i for i in range(100000)), 200,
                                         "application/x-www-form-urlencoded"), REPLY, "form")
case("204", b"HTTP/1.1 204 No Content\r\n\r\n", REPLY, "204")
case("10 MB", answer("x" * 10000000), REPLY, "larger")
case("10 MB announced only", b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n{}", TRANSPORT)


def endless(piece):
    def play(connection):
        while True:
            connection.sendall(piece)
    return play


case("an endless body", [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", endless(b"1000\r\n" + b" " * 4096 +
                                                                                        b"\r\n")], REPLY, "larger")
case("endless headers", [b"HTTP/1.1 200 OK\r\n", endless(b"X-Filler: " + b"x" * 1000 + b"\r\n")], (REPLY, TRANSPORT))
case("one endless header", [b"HTTP/1.1 200 OK\r\nX: ", endless(b"x" * 4096)], (REPLY, TRANSPORT))
case("endless interim answers", [endless(b"HTTP/1.1 103 Early Hints\r\nX-Filler: %s\r\n\r\n" % (b"x" * 1000))],
     (REPLY, TRANSPORT))

# A new refresh token is saved from an answer that is otherwise of no use.
bad("a new refresh token beside no access token", '{"refresh_token":"r2"}', refresh_token="r2")
bad("a new refresh token beside a spoiled access token", token(access_token='"a\\u0000b"', refresh_token='"r2"'),
    refresh_token="r2")
bad("a new refresh token beside a foreign token_type", token(token_type='"mac"', refresh_token='"r2"'),
    refresh_token="r2")
bad("a spoiled refresh token", token(refresh_token='"r\\n2"'), "refresh_token", refresh_token=None)
bad("a refresh token that is a number", token(refresh_token="2"), "refresh_token", refresh_token=None)
bad("a refresh token of 64 KiB and one", token(refresh_token='"%s"' % ("r" * 65537)), "refresh_token",
    refresh_token=None)
case("201 with a token", answer(token(refresh_token='"r2"'), 201), REPLY, "201", access_token=None, refresh_token="r2")
case("a refresh token in a refusal is none of ours", answer('{"refresh_token":"r2"}', 400), REPLY, refresh_token=None)

# Refusals.


def refusal(error, status, result, says=None, step="refresh", **wanted):
    case("%s at %s, HTTP %d" % (error, step, status), answer('{"error":"%s"}' % error, status), result, says or error, step,
         error=error, access_token=None, **wanted)


refusal("invalid_grant", 400, LOGIN, "no longer good")
refusal("invalid_grant", 400, LOGIN, "works once", "exchange")
refusal("invalid_grant", 401, LOGIN)
refusal("invalid_grant", 200, LOGIN)
refusal("invalid_grant", 403, LOGIN)
refusal("invalid_grant", 500, LATER)
refusal("invalid_grant", 429, LATER)
refusal("invalid_client", 401, CLIENT, "clients.crm (tokeep.conf:7)")
refusal("invalid_client", 400, CLIENT)
refusal("invalid_client", 200, CLIENT)
refusal("unauthorized_client", 400, CLIENT)
refusal("invalid_scope", 400, CLIENT)
refusal("unsupported_grant_type", 400, CLIENT)
refusal("invalid_request", 400, CLIENT)
refusal("redirect_uri_mismatch", 400, CLIENT, "registered", "exchange")
refusal("invalid_redirect_uri", 400, CLIENT, "registered", "exchange")
refusal("invalid_client_secret", 401, CLIENT)
refusal("access_denied", 400, LOGIN, "refused", "exchange")
refusal("access_denied", 403, CLIENT, None, "refresh")
refusal("out_of_cheese", 400, CLIENT)
refusal("temporarily_unavailable", 400, LATER)
refusal("temporarily_unavailable", 503, LATER)
refusal("server_error", 400, LATER)
refusal("slow_down", 400, LATER, None, "device")
refusal("authorization_pending", 400, LATER, "approved", "device")
refusal("authorization_pending", 400, CLIENT, None, "refresh")
refusal("expired_token", 400, LOGIN, "run: tokeep login crm", "device")
refusal("access_denied", 400, LOGIN, None, "device")
case("a token and an error", answer(token(error='"invalid_grant"')), LOGIN, access_token=None)
case("the error is an object", answer('{"error":{"code":190,"message":"bad"}}', 400), REPLY, "no text")
case("the error is a number", answer('{"error":5}'), REPLY, "no text")
case("the error is true", answer(token(error="true")), REPLY, "no text")
case("a refusal as a form", answer("error=bad_verification_code&error_description=The+code+is+wrong", 200,
                                   "application/x-www-form-urlencoded"), CLIENT, "The code is wrong")
case("the provider's own words", answer('{"error":"invalid_grant","error_description":"Token was revoked by admin"}', 400),
     LOGIN, "invalid_grant (Token was revoked by admin)")
case("words with controls", answer('{"error":"a\\u001b[2Jb","error_description":"x\\r\\ny\\u202ez\\u0007"}', 400), CLIENT,
     "a?[2Jb (x??y?z?)", error="a?[2Jb")
case("words that repeat the refresh token", answer('{"error":"CANARY-refresh","error_description":"no CANARY-refresh"}', 400),
     CLIENT, "no *****", error="*" * 14)
case("words that repeat the code", answer('{"error":"x","error_description":"no CANARY-code"}', 400), CLIENT, "no *****",
     "exchange")
case("words that repeat the secret", answer('{"error":"x","error_description":"no CANARY-secret"}', 401), CLIENT, "no *****",
     arguments={"secret": "CANARY-secret"})
case("words of 500 KB", answer('{"error":"%s","error_description":"%s"}' % ("e" * 250000, "\u00e4" * 120000), 400), CLIENT,
     "e" * 64)
case("400 without a word", answer("", 400, None), REPLY, "400")
case("400 and HTML", answer("<h1>Bad</h1>", 400, "text/html"), REPLY, "text/html")
case("400 and JSON that says nothing", answer('{"message":"bad"}', 400), REPLY, "neither")
case("401 without a word", answer("", 401, None, 'WWW-Authenticate: Basic realm="x"'), CLIENT, "401")
case("401 and HTML", answer("<h1>No</h1>", 401, "text/html"), CLIENT, "401")
case("403 and HTML", answer("<h1>Firewall</h1>", 403, "text/html"), REPLY, "403")
case("404", answer("not found", 404, "text/plain"), REPLY, "404")
case("405", answer("", 405), REPLY, "405")
case("408", answer("", 408), LATER, "408")
case("200 and a captive portal's page", answer("<html>Welcome to the hotel</html>", 200, "text/html"), REPLY, "text/html")

# Later.
DATE = email.utils.formatdate(time.time() + 120, usegmt=True)
PAST = email.utils.formatdate(time.time() - 120, usegmt=True)
case("500 and HTML", answer("<h1>Oops</h1>", 500, "text/html"), LATER, "500", retry_after=-1)
case("502", answer("", 502, None), LATER, "502")
case("504 and JSON", answer('{"message":"timeout"}', 504), LATER, "504")
case("500 with a token in it", answer(token(refresh_token='"r2"'), 500), LATER, access_token=None, refresh_token=None)
for status in 429, 503:
    case("%d without Retry-After" % status, answer("", status), LATER, retry_after=-1)
    case("%d, Retry-After in seconds" % status, answer("", status, None, "Retry-After: 3"), LATER, retry_after=3)
    case("%d, Retry-After as a date" % status, answer("", status, None, "retry-after:  %s " % DATE), LATER,
         retry_after=range(60, 121))
case("Retry-After in the past", answer("", 503, None, "Retry-After: %s" % PAST), LATER, retry_after=0)
case("Retry-After of a year", answer("", 503, None, "Retry-After: 31536000"), LATER, retry_after=86400)
case("Retry-After beyond numbers", answer("", 503, None, "Retry-After: " + "9" * 400), LATER, retry_after=86400)
case("Retry-After of nonsense", answer("", 503, None, "Retry-After: soon"), LATER, retry_after=-1)
case("Retry-After negative", answer("", 503, None, "Retry-After: -5"), LATER, retry_after=-1)
case("Retry-After of an interim answer", b"HTTP/1.1 103 Early Hints\r\nRetry-After: 99\r\n\r\n" + answer("", 503), LATER,
     retry_after=-1)
case("429 in the provider's words", answer('{"error":"rate_limited","error_description":"easy"}', 429, "application/json",
                                           "Retry-After: 7"), LATER, "rate_limited (easy)", retry_after=7)

# Redirects: none is followed (test_transport.py looks at the other server).
for status in 300, 301, 302, 303, 307, 308:
    case("redirect %d" % status, answer("", status, None, "Location: https://evil.example/steal?x=1"), REPLY,
         "https://evil.example;")
case("a redirect to nowhere", answer("", 302, None), REPLY, "302")
case("a redirect to a file", answer("", 302, None, "Location: file:///etc/passwd"), REPLY, "302")

# No answer that is whole.
case("closed without an answer", [b""], TRANSPORT, "closed without", sent=1)
case("reset without an answer", [Reset], TRANSPORT, sent=1)
case("reset in the headers", [b"HTTP/1.1 200 OK\r\nContent-Le", 0.1, Reset], TRANSPORT, sent=1)
case("reset in the body", [answer(token())[:-10], 0.1, Reset], TRANSPORT, sent=1, access_token=None)
case("closed in the headers", b"HTTP/1.1 200 OK\r\nContent-Le", (TRANSPORT, REPLY))
case("closed in the body", answer(token())[:-1], TRANSPORT, "cut off", sent=1, access_token=None)
case("closed in a chunk", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n" + token().encode(), TRANSPORT)
case("closed before the last chunk", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n" %
     (len(token()), token().encode()), TRANSPORT)
case("a chunk of wrong size", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n", TRANSPORT)
case("a chunk beyond 64 bits", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffffff\r\n{}", TRANSPORT)
case("no HTTP but a banner", b"SSH-2.0-OpenSSH_9.2\r\n", TRANSPORT)
case("HTTP/0.9", token().encode(), TRANSPORT)
case("HTTP/7.5", b"HTTP/7.5 200 OK\r\n\r\n" + token().encode(), TRANSPORT)
case("status 999", answer(token(), 999), LATER)
case("a status that is none", b"HTTP/1.1 abc OK\r\n\r\n{}", (TRANSPORT, REPLY))
case("Content-Length negative", b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n" + token().encode(), TRANSPORT)
case("an answer that never comes", [9], TRANSPORT, "took too long", sent=1)
case("headers and no body", [b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", 9], TRANSPORT, "took too long")
case("one byte a second", [b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"] + [b" ", 0.9] * 10, TRANSPORT, "took too long")
case("one byte of a header a second", [b"HTTP/1.1 200 OK\r\nX: "] + [b"x", 0.9] * 10, TRANSPORT, "took too long")
case("nothing but interim answers", [b"HTTP/1.1 102 Processing\r\n\r\n", 0.5] * 12, TRANSPORT, "took too long")

# Zoho.


def zoho(name, text, result, says=None, status=200, step="refresh", **wanted):
    case("Zoho: " + name, answer(text, status), result, says, step, "zoho", **wanted)


zoho("a token", token(api_domain='"https://www.zohoapis.eu"'), DONE, api_domain="https://www.zohoapis.eu",
     access_token="new-access", expiry_time=int(HOUR))
zoho("an api_domain of nobody known", token(api_domain='"https://evil.example"'), DONE, api_domain=None)
zoho("expires_in_sec and milliseconds", token(expires_in="3600000", expires_in_sec="3600"), DONE, expiry_time=int(HOUR))
zoho("expires_in_sec of no use", token(expires_in="3600000", expires_in_sec='"x"'), DONE, expiry_time=int(HOUR))
zoho("its own token_type", token(token_type='"Zoho-oauthtoken"'), DONE, arguments={"header": "Zoho-oauthtoken"},
     access_token="new-access")
zoho("invalid_code at refresh", '{"error":"invalid_code"}', LOGIN, "data centre", error="invalid_code")
zoho("invalid_code at exchange", '{"error":"invalid_code"}', LOGIN, "two or three minutes", step="exchange")
zoho("invalid_client", '{"error":"invalid_client"}', CLIENT)
zoho("invalid_client_secret", '{"error":"invalid_client_secret"}', CLIENT)
zoho("invalid_redirect_uri", '{"error":"invalid_redirect_uri"}', CLIENT, "registered", step="exchange")
zoho("missing_org_info", '{"error":"missing_org_info"}', CLIENT, "soid", step="credentials")
zoho("access_denied at exchange", '{"error":"access_denied"}', LOGIN, step="exchange")
for status in 200, 400:
    zoho("throttled, HTTP %d" % status, '{"error_description":"You have made too many requests continuously.",'
         '"error":"Access Denied","status":"failure"}', LATER, "too many requests", status, throttled=1, retry_after=600)
zoho("throttled in Chinese", '{"error_description":"\u8bf7\u6c42\u592a\u591a","error":"\u62d2\u7edd\u8bbf\u95ee",'
     '"status":"failure"}', LATER, "\u8bf7\u6c42\u592a\u591a", throttled=1)
zoho("throttled without an error", '{"status":"failure"}', LATER, throttled=1)
zoho("a failure that names its error", '{"error":"invalid_code","status":"failure"}', LOGIN, throttled=0)
zoho("other_dc", '{"error":"other_dc","user_location":"eu"}', CLIENT, step="device", user_location="eu")
zoho("a device code that expired", '{"error":"expired"}', LOGIN, step="device")
zoho("HTML", "<html>Sign in</html>", REPLY)
zoho("nothing", "{}", REPLY, "access_token is missing")


def fits(got, want):
    if isinstance(want, (range, tuple)):
        return got in want
    return got == want
