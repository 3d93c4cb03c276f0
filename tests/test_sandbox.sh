#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# tokeep-sandbox as its users meet it: by curl, over real sockets.
. "${srcdir:-$(dirname "$0")}/lib.sh"

command -v tokeep-sandbox >/dev/null || { echo "1..0 # SKIP tokeep-sandbox is not built: no libmicrohttpd"; exit 0; }
command -v curl >/dev/null || { echo "1..0 # SKIP no curl"; exit 0; }

# start OPTION...: sets $base, $pid and $log; what runs already is stopped.
start () {
	stop
	log=$scratch/log
	rm -f "$log" "$scratch/port"
	: >"$scratch/stdout"
	tokeep-sandbox --port-file "$scratch/port" --log "$log" "$@" >"$scratch/stdout" 2>"$scratch/stderr" &
	pid=$!
	pids=$pid
	n=0
	while ! grep -q '^listening on ' "$scratch/stdout" 2>/dev/null && [ $n -lt 200 ]; do
		n=$((n + 1))
		sleep 0.05
	done
	base=$(sed -n 's/^listening on //p' "$scratch/stdout")
}

# stop: sets $ended to its exit status.
stop () {
	[ -z "$pids" ] && return
	kill "$pid"
	wait "$pid"
	ended=$?
	pids=
	[ ! -s "$scratch/stderr" ] || sed 's/^/# tokeep-sandbox: /' "$scratch/stderr"
}

fetch () { curl -sS --max-time 20 "$@" 2>&1; }
status () { fetch -o /dev/null -w '%{http_code}' "$@"; }
# field NAME JSON: the last member of that name, a string or a number.
field () { printf '%s' "$2" | sed -n 's/.*"'"$1"'":"\{0,1\}\([^",}]*\).*/\1/p'; }
# state NAME: a number of /_sandbox/state
state () { field "$1" "$(fetch "$base/_sandbox/state")"; }
control () { what=$1; shift; fetch "$@" "$base/_sandbox/$what"; }
fault () { fetch -o /dev/null "$@" "$base/_sandbox/fault"; }

seed () {
	seeded=$(fetch -d user=alice@example.com "$base/_sandbox/seed")
	refresh_token=$(field refresh_token "$seeded")
	access_token=$(field access_token "$seeded")
	code=$(field code "$seeded")
}
refresh () { fetch -d grant_type=refresh_token -d client_id=sandbox --data-urlencode "refresh_token=$1" "$base/token"; }
api () { status -H "Authorization: Bearer $1" "$base/api/x"; }

# The pair of RFC 7636, appendix B.
verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk
challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM
back=http://127.0.0.1:9/back
ask="client_id=sandbox&response_type=code&state=a%20b&code_challenge=$challenge&code_challenge_method=S256"
ask="$ask&redirect_uri=$back&scope=openid+api"
# authorize: sets $code
authorize () {
	location=$(fetch -o /dev/null -w '%{redirect_url}' "$base/authorize?$ask")
	code=$(printf '%s' "$location" | sed -n 's/.*[?&]code=\([^&]*\).*/\1/p')
}
exchange () { fetch -d grant_type=authorization_code -d "code=$code" "$@" "$base/token"; }

# Start and end.
start --auto-approve alice@example.com --print-config
is "it tells its port in a file" "http://127.0.0.1:$(cat "$scratch/port")" "$base"
has "it prints what to put into tokeep.conf" "$(cat "$scratch/stdout")" "issuer = \"$base\""
is "the running server gives the same" "$(control config)" "$(sed 1d "$scratch/stdout")"
has "its start page says that it is for tests" "$(fetch "$base/")" "a server for tests"
is "its metadata names itself as issuer" \
	"$(field issuer "$(fetch "$base/.well-known/oauth-authorization-server")")" "$base"
is "a request for another host is refused" "$(status -H 'Host: evil.example' "$base/_sandbox/state")" 421
other=$(hostname -I 2>/dev/null | cut -d' ' -f1)
case $other in
*.*) is "it listens on loopback alone" "$(status "http://$other:${base##*:}/" | tail -c 3)" 000 ;;
*) skip "it listens on loopback alone" "the machine has no other address" ;;
esac
is "an unknown path is not found" "$(status "$base/nothing")" 404
is "a wrong method is refused" "$(status "$base/token")" 405
is "bytes that are no UTF-8 are refused" "$(status -d 'grant_type=%ff%fe' "$base/token")" 400
is "a body of two megabytes is refused" \
	"$(head -c 2000000 /dev/zero | status -H Expect: --data-binary @- "$base/token")" 413

# Code and PKCE.
authorize
has "a login gives a code, the state and the issuer" "$location" \
	"&state=a%20b&iss=http%3A%2F%2F127.0.0.1%3A${base##*:}"
answer=$(exchange -d client_id=sandbox -d "redirect_uri=$back" -d "code_verifier=$verifier")
has "the code with its verifier gives tokens" "$answer" '"refresh_token":"sandbox.'
has "scope openid gives an id_token" "$answer" '"id_token":"'
is "the access token opens the resource" "$(api "$(field access_token "$answer")")" 200
has "a code used twice is refused" \
	"$(exchange -d client_id=sandbox -d "redirect_uri=$back" -d "code_verifier=$verifier")" invalid_grant
is "and what it gave ends" "$(api "$(field access_token "$answer")")" 401
authorize
has "a wrong verifier is refused" \
	"$(exchange -d client_id=sandbox -d "redirect_uri=$back" -d code_verifier=wrong)" invalid_grant
authorize
has "a verifier is needed" "$(exchange -d client_id=sandbox -d "redirect_uri=$back")" invalid_grant
authorize
has "another redirect_uri is refused" \
	"$(exchange -d client_id=sandbox -d "redirect_uri=$back/2" -d "code_verifier=$verifier")" redirect_uri
authorize
has "another client is refused" "$(exchange -u sandbox-confidential:sandbox-secret \
	-d "redirect_uri=$back" -d "code_verifier=$verifier")" invalid_grant
whole=$ask
ask="client_id=sandbox&response_type=code&redirect_uri=$back"
authorize
has "a public client without PKCE is sent back with an error" "$location" error=invalid_request
ask="client_id=sandbox&response_type=code&redirect_uri=http://example.com/"
is "nobody is redirected to an unregistered place" "$(status "$base/authorize?$ask")" 400
control set -d auto-approve= >/dev/null
page=$(fetch "$base/authorize?$whole&state=%3Cscript%3E")
has "without auto-approve a page asks" "$page" "value=approve"
has "what came in the request is escaped on it" "$page" "&lt;script>"
has "it says that it is for tests" "$page" "a server for tests"
has "approving redirects with a code" \
	"$(fetch -o /dev/null -w '%{redirect_url}' -d "$whole" -d user=bob -d decision=approve "$base/authorize")" code=
has "denying redirects with an error" \
	"$(fetch -o /dev/null -w '%{redirect_url}' -d "$whole" -d user=bob -d decision=deny "$base/authorize")" \
	error=access_denied

# Refresh and rotation.
seed
answer=$(refresh "$refresh_token")
second=$(field refresh_token "$answer")
has "a refresh gives an access token" "$answer" '"expires_in":3600'
ok "and another refresh token" [ "$second" != "$refresh_token" ]
has "the new one works" "$(refresh "$second")" access_token
has "a spent one is refused" "$(refresh "$refresh_token")" invalid_grant
is "reuse is counted" "$(state reuse_detected)" 1
has "and ends the whole grant" "$(fetch "$base/_sandbox/state")" killed_by_reuse
is "so that its access tokens end, too" "$(api "$access_token")" 401
seed
has "scope may be narrowed" "$(refresh "$refresh_token" | tail -1)" '"scope":"api"'
seed
has "but not widened" "$(fetch -d grant_type=refresh_token -d client_id=sandbox -d scope=all \
	-d "refresh_token=$refresh_token" "$base/token")" invalid_scope
control set -d rotate=grace:60 >/dev/null
first=$(field refresh_token "$(refresh "$refresh_token")")
is "within its grace a spent token gives the same successor" \
	"$(field refresh_token "$(refresh "$refresh_token")")" "$first"
control set -d rotate=grace:0 >/dev/null
has "after its grace it is reuse" "$(refresh "$refresh_token")" invalid_grant
control set -d rotate=never >/dev/null
seed
is "without rotation no refresh token is given" "$(field refresh_token "$(refresh "$refresh_token")")" ""
has "and the old one keeps working" "$(refresh "$refresh_token")" access_token
has "a rule that is none is refused" "$(control set -d rotate=maybe)" "rotate: must be"

# Clients.
cc="grant_type=client_credentials"
has "client credentials by Basic" "$(fetch -u sandbox-confidential:sandbox-secret -d $cc "$base/token")" access_token
has "client credentials in the body" "$(fetch -d $cc -d client_id=sandbox-confidential \
	-d client_secret=sandbox-secret "$base/token")" access_token
has "both at once are refused" "$(fetch -u sandbox-confidential:sandbox-secret -d $cc \
	-d client_secret=sandbox-secret "$base/token")" invalid_request
is "a wrong secret is refused with 401" "$(status -u sandbox-confidential:wrong -d $cc "$base/token")" 401
has "a public client has no credentials" "$(fetch -d $cc -d client_id=sandbox "$base/token")" unauthorized_client
has "an unknown client is refused" "$(fetch -d $cc -d client_id=nobody "$base/token")" invalid_client
has "an unknown grant type is refused" \
	"$(fetch -d grant_type=password -d client_id=sandbox "$base/token")" unsupported_grant_type
has "a parameter that comes twice is refused" \
	"$(fetch -d $cc -d client_id=sandbox -d client_id=sandbox "$base/token")" invalid_request
has "multipart forms are read" "$(fetch -F $cc -F client_id=sandbox-confidential \
	-F client_secret=sandbox-secret "$base/token")" access_token

# Looking at tokens and ending them.
seed
has "introspection of a live token" "$(fetch -d client_id=sandbox -d "token=$access_token" "$base/introspect")" \
	'"active":true'
has "the resource tells whose token it was" \
	"$(fetch -H "Authorization: Bearer $access_token" "$base/api/echo?a=1")" '"user":"alice@example.com"'
control expire >/dev/null
is "expired tokens don't open the resource" "$(api "$access_token")" 401
access_token=$(field access_token "$(refresh "$refresh_token")")
is "a revocation is answered with 200" \
	"$(status -d client_id=sandbox -d "token=$refresh_token" "$base/revoke")" 200
is "also of an unknown token" "$(status -d client_id=sandbox -d token=unknown "$base/revoke")" 200
is "revoking a refresh token takes its access tokens along" "$(api "$access_token")" 401
has "look tells that it is dead" "$(control look -d "token=$refresh_token")" '"live":false'
has "a seed may bring its own token" "$(control seed -d refresh_token=mine -d user=bob)" '"refresh_token":"mine"'
has "but not one that is there" "$(control seed -d refresh_token=mine -d user=bob)" "is there already"
has "many users at once" "$(control seed -d user=u@example.com -d count=3)" '"user":"u3@example.com"'
long=$(head -c 65536 /dev/zero | tr '\0' A)
printf 'refresh_token=%s' "$long" >"$scratch/long"
control seed -d @"$scratch/long" -o /dev/null
has "a refresh token of 64 KiB" "$(fetch -d @"$scratch/long" -d 'client_id=sandbox&grant_type=refresh_token' \
	"$base/token")" access_token
printf 'Authorization: Bearer %s' "$long" >"$scratch/long"
is "and an access token" "$(status -H @"$scratch/long" "$base/api/x")" 401
control revoke-all >/dev/null
is "revoke-all ends every grant" "$(state live_grants)" 0

# Devices.
start --interval 1
device () {
	device=$(fetch -d client_id=sandbox -d scope=api "$base/device_authorization")
	device_code=$(field device_code "$device")
	user_code=$(field user_code "$device")
}
poll () {
	fetch -d grant_type=urn:ietf:params:oauth:grant-type:device_code -d client_id=sandbox \
		-d "device_code=$device_code" "$base/token"
}
device
has "a device is told where its user goes" "$device" "\"verification_uri\":\"$base/device\""
has "it waits for the user" "$(poll)" authorization_pending
has "and is told to slow down" "$(poll)" slow_down
device
has "approval by the control endpoint" "$(control "approve?user_code=$user_code" -X POST)" ok
has "gives tokens" "$(poll)" refresh_token
has "once" "$(poll)" invalid_grant
device
has "denial on the page" "$(fetch -d "user_code=$user_code" -d decision=deny "$base/device")" Denied
has "is told to the device" "$(poll)" access_denied
control set -d device-life=1 >/dev/null
device
sleep 1.1
has "a device code expires" "$(poll)" expired_token

# Faults.
seed
broken () { fetch -i -d grant_type=refresh_token -d client_id=sandbox -d "refresh_token=$refresh_token" "$base/token"; }
fault -d kind=status -d status=503 -d retry_after=7 -d count=2
answer=$(broken)
has "a fault answers with its status" "$answer" " 503 "
has "and its Retry-After" "$answer" "Retry-After: 7"
has "as often as was asked" "$(broken)" " 503 "
fault -d kind=drop
has "drop closes without an answer" "$(broken)" "Empty reply"
fault -d kind=reset
has "reset resets the connection" "$(broken)" "reset"
fault -d kind=html
has "html is an error page" "$(broken)" "<h1>"
fault -H 'Content-Type: application/json' -d '{"kind": "body", "body": "{\"access_token\": 5}", "count": 1}'
has "a body of one's own, armed by JSON" "$(broken)" '"access_token": 5'
fault -d kind=huge
is "huge is 10 megabytes" "$(fetch -d a=b "$base/token" | wc -c | tr -d ' ')" 10000000
is "nothing of this was processed" "$(state refreshes)" 0
is "though every request was seen" "$(state refresh_requests)" 6
fault -d kind=truncate
has "truncate ends before the announced length" "$(broken)" "transfer closed"
is "after the request was processed" "$(state refreshes)" 1
seed
fault -d kind=drop_after
has "drop_after closes without an answer" "$(broken)" "Empty reply"
is "after the token was spent" "$(field live "$(control look -d "token=$refresh_token")")" false
seed
fault -d kind=slow -d ms=1
has "slow sends the true answer" "$(broken)" access_token
fault -d kind=delay -d ms=400
before=$(date +%s%N)
broken >/dev/null
ok "delay waits" [ $((($(date +%s%N) - before) / 1000000)) -ge 400 ]
fault -d kind=drop -d endpoint=api -d count=always
has "a fault is for its endpoint" "$(broken)" " 400 "
has "always is always" "$(api x; api x)" "000"
fault -X DELETE
is "faults can be taken back" "$(api x)" 401
has "a fault that is none is refused" "$(control fault -d kind=nothing)" "kind: must be"

# The log.
seed
answer=$(refresh "$refresh_token")
digest=$(printf '%s' "$refresh_token" | sha256sum | cut -c1-16)
has "the log tells a refresh by the digest of its token" "$(tail -n 1 "$log")" "\"presented\":\"$digest\""
has "and how it went" "$(tail -n 1 "$log")" '"outcome":"ok"'
has "the state tells the live token by its digest" "$(fetch "$base/_sandbox/state?user=alice@example.com")" \
	"$(field refresh_token "$answer" | tr -d '\n' | sha256sum | cut -c1-16)"
ok "no token is in the log" sh -c "! grep -e '$refresh_token' -e '$access_token' '$log'"
is "the log is its owner's alone" "$(stat -c %a "$log")" 600
control reset >/dev/null
is "reset forgets all of it" "$(state refresh_requests)" 0

# Many at once, and the end.
start --seed-refresh known,bob@example.com --fault kind=delay,ms=300,count=always
n=0
while [ $n -lt 64 ]; do
	n=$((n + 1))
	[ $n = 1 ] || echo next
	printf 'url = "%s/token"\ndata = "grant_type=refresh_token&client_id=sandbox&refresh_token=known"\n' "$base"
	printf 'output = "%s/many.%d"\n' "$scratch" $n
done >"$scratch/many"
before=$(date +%s%N)
curl -sS -Z --parallel-max 64 --parallel-immediate -K "$scratch/many" 2>/dev/null
took=$((($(date +%s%N) - before) / 1000000))
ok "64 clients with 300 ms each are served at once (took $took ms)" [ $took -lt 6000 ]
is "one of them got a token" "$(cat "$scratch"/many.* | grep -o '"access_token"' | wc -l | tr -d ' ')" 1
is "the others spent it again" "$(state refresh_requests)" 64
fetch -o /dev/null -d kind=delay -d ms=60000 -d endpoint=api "$base/_sandbox/fault"
api x >/dev/null &
sleep 0.3
before=$(date +%s%N)
stop
ok "SIGTERM ends it at once, delays included" [ $((($(date +%s%N) - before) / 1000000)) -lt 3000 ]
is "with exit status 0" "$ended" 0

# Zoho's dialect.
start --dialect zoho --auto-approve alice@example.com --interval 1
zoho="client_id=1000.SANDBOX&client_secret=sandbox-secret"
zask="$base/oauth/v2/auth?client_id=1000.SANDBOX&response_type=code&redirect_uri=$back&scope=ZohoCRM.modules.ALL"
zcode () { fetch -o /dev/null -w '%{redirect_url}' "$zask$1" | tee "$scratch/zback" | sed -n 's/.*[?&]code=\([^&]*\).*/\1/p'; }
ztoken () { fetch -i "$@" "$base/oauth/v2/token"; }
zrefresh () { ztoken -d "$zoho&grant_type=refresh_token&refresh_token=$1"; }
code=$(zcode '&access_type=offline')
has "zoho: the callback names the data centre" "$(cat "$scratch/zback")" \
	"&location=us&accounts-server=http%3A%2F%2F127.0.0.1%3A${base##*:}"
answer=$(ztoken -d "$zoho&grant_type=authorization_code&code=$code&redirect_uri=$back")
has "zoho: a code gives an api_domain" "$answer" "\"api_domain\":\"$base\""
refresh_token=$(field refresh_token "$answer")
access_token=$(field access_token "$answer")
answer=$(ztoken -d "$zoho&grant_type=authorization_code&code=$code&redirect_uri=$back")
has "zoho: a code used twice is invalid_code" "$answer" '{"error":"invalid_code"}'
has "zoho: with status 200" "$answer" " 200 "
has "zoho: and ends nothing" "$(zrefresh "$refresh_token")" access_token
is "zoho: a refresh gives no refresh token" "$(field refresh_token "$(zrefresh "$refresh_token")")" ""
code=$(zcode '')
is "zoho: access_type online gives no refresh token" "$(field refresh_token \
	"$(ztoken -d "$zoho&grant_type=authorization_code&code=$code&redirect_uri=$back")")" ""
has "zoho: an unknown client" "$(ztoken -d 'grant_type=refresh_token&client_id=x')" '{"error":"invalid_client"}'
has "zoho: a wrong secret" "$(ztoken -d 'grant_type=refresh_token&client_id=1000.SANDBOX&client_secret=x')" \
	'{"error":"invalid_client_secret"}'
has "zoho: client credentials need an organisation" "$(ztoken -d "$zoho&grant_type=client_credentials")" \
	missing_org_info
has "zoho: and work with one" \
	"$(ztoken -d "$zoho&grant_type=client_credentials&soid=ZohoCRM.6000000&scope=ZohoCRM.org.READ")" access_token
zapi () { fetch -i -H "Authorization: Zoho-oauthtoken $access_token" "$base/crm/v8/$1"; }
has "zoho: the resource wants Zoho-oauthtoken" "$(zapi leads)" " 200 "
has "zoho: Bearer is refused" "$(fetch -H "Authorization: Bearer $access_token" "$base/crm/v8/x")" INVALID_TOKEN
has "zoho: the current user" "$(zapi 'users?type=CurrentUser')" alice@example.com
has "zoho: the organisation" "$(zapi org)" '"zgid":"60012345678"'
has "zoho: the profile needs its scope" \
	"$(fetch -H "Authorization: Zoho-oauthtoken $access_token" "$base/oauth/user/info")" OAUTH_SCOPE_MISMATCH
n=2
while [ $n -lt 10 ]; do n=$((n + 1)); zrefresh "$refresh_token" >/dev/null; done
answer=$(zrefresh "$refresh_token")
has "zoho: the eleventh access token in ten minutes is refused" "$answer" '"error":"Access Denied","status":"failure"'
has "zoho: with status 400" "$answer" " 400 "
has "zoho: revocation" "$(fetch -d "token=$refresh_token" "$base/oauth/v2/token/revoke")" '"status":"success"'
is "zoho: of an unknown token" "$(status -d token=x "$base/oauth/v2/token/revoke")" 400
has "zoho: takes the access tokens along" "$(zapi leads)" INVALID_TOKEN
has "zoho: parameters in the URL are taken, and noted" \
	"$(fetch -X POST "$base/oauth/v2/token?$zoho&grant_type=refresh_token&refresh_token=x"; tail -n 1 "$log")" \
	'"secret_in_url":true'
zdevice () {
	device=$(fetch -d 'client_id=1000.SANDBOX&grant_type=device_request&scope=ZohoCRM.modules.ALL' "$1/oauth/v3/device/code")
	device_code=$(field device_code "$device")
	user_code=$(field user_code "$device")
}
zpoll () { fetch -d "$zoho&grant_type=device_token&code=$device_code" "$1/oauth/v3/device/token"; }
zdevice "$base"
has "zoho: devices count in milliseconds" "$device" '"expires_in":300000,"interval":1000'
has "zoho: a device waits" "$(zpoll "$base")" authorization_pending
control "approve?user_code=$user_code" >/dev/null
sleep 1
has "zoho: and gets its tokens" "$(zpoll "$base")" refresh_token
start --dialect zoho --location eu --legacy-expiry --auto-approve alice@example.com
other=http://localhost:${base##*:}
has "zoho: serverinfo lists both data centres" "$(fetch "$base/oauth/serverinfo")" "\"eu\":\"$other\""
zdevice "$base"
control "approve?user_code=$user_code" >/dev/null
has "zoho: a user of another data centre" "$(zpoll "$base")" '{"error":"other_dc","user_location":"eu"}'
seed
answer=$(zrefresh "$refresh_token")
has "zoho: whose tokens are unknown here" "$answer" invalid_code
answer=$(fetch -4 -d "$zoho&grant_type=refresh_token&refresh_token=$refresh_token" "$other/oauth/v2/token")
has "zoho: but known there, with a lifetime in milliseconds" "$answer" '"expires_in_sec":3600,"expires_in":3600000'

# TLS.
if command -v openssl >/dev/null && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
	-subj /CN=sandbox -addext subjectAltName=IP:127.0.0.1 -keyout "$scratch/key" -out "$scratch/cert" 2>/dev/null
then
	start --tls-cert "$scratch/cert" --tls-key "$scratch/key"
	has "with a certificate it speaks https" "$base" "https://127.0.0.1:"
	is "and its metadata say so" \
		"$(field issuer "$(fetch --cacert "$scratch/cert" "$base/.well-known/openid-configuration")")" "$base"
	fault --cacert "$scratch/cert" -d kind=reset
	is "a port that is taken is named" "$(tokeep-sandbox --port "${base##*:}" 2>&1 | tail -n 1)" \
		"tokeep-sandbox: 127.0.0.1: Address already in use"
	has "faults work there, too" "$(fetch --cacert "$scratch/cert" -d a=b "$base/token")" "curl: "
else
	skip "with a certificate it speaks https" "no openssl command"
fi
stop

# Wrong arguments.
refused () { sentence=$1; want=$2; shift 2; run tokeep-sandbox "$@"; is "$sentence" "$status: $err" "2: tokeep-sandbox: $want"; }
refused "a wrong rule is named" "rotate: must be strict, grace:SECONDS or never" --rotate maybe
refused "a wrong port" "port: must be from 0 to 65535" --port 65536
refused "a word that is no option" "now: only options are taken, see --help" now
refused "a certificate without key" "tls-cert: needs tls-key, and the other way round" --tls-cert x
run tokeep-sandbox --log /nowhere/log
is "a log that can't be written is named" "$status: $err" "1: tokeep-sandbox: /nowhere/log: No such file or directory"

finish
