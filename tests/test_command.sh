#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# test_command.sh: the command as its users type it: what it prints, where, and with which exit code.
. "${srcdir:-$(dirname "$0")}/lib.sh"

cat >"$XDG_CONFIG_HOME/tokeep.conf" <<END
store = "${STORE:-sqlite}";
clients = { crm = { provider = "zoho"; client_id = "1000.X"; }; };
state_dir = "$XDG_STATE_HOME/tokeep";
END
TOKEEP_CONFIG=$XDG_CONFIG_HOME/tokeep.conf
export TOKEEP_CONFIG
[ -e "$TOKEEP_LIBDIR/${STORE:-sqlite}.so" ] || { echo "1..0 # SKIP the store is not built"; exit 0; }

# json EXPRESSION: of $out, parsed as `d`.
json () { printf '%s' "$out" | python3 -c "import json, sys; d = json.load(sys.stdin); print($1)" 2>&1; }
# class: of the one JSON error in $err
class () { printf '%s' "$err" | python3 -c "import json, sys; print(json.load(sys.stdin)['error']['class'])" 2>&1; }

# A store without a token.
run tokeep list
is 'an empty store is listed: exit 0' "$status" 0
is 'an empty store has nothing for standard output' "$out" ''
has 'and people are told what to do' "$err" 'run: tokeep help login'
run tokeep list --json
is 'an empty store is an empty array' "$out" '[]'
is 'in JSON nobody is told what people like to know' "$err" ''
run tokeep token
is 'no token at all: exit 4' "$status" 4

tokeep -q import - <<'END'
{"id":"1","user_name":"alice@example.com","client_id":"1000.X","client_secret":"secret1","refresh_token":"refresh1","access_token":"access1","expiry_time":"4102444800000","api_domain":"https://www.zohoapis.com","token_type":"Bearer"}
{"id":"2","user_name":"O'Brien","client_id":"1000.X","access_token":"it's","grant_token":"grant2"}
{"id":"3","user_name":"bob@example.com","client_id":"1000.Y","refresh_token":"refresh3","access_token":"access3","expiry_time":"1500000000000","status":"invalid_grant"}
END

# token
run tokeep token alice@example.com
is 'token prints the token alone' "$status:$out:$err" 0:access1:
is 'token ends with one newline' "$(tokeep token alice@example.com | od -An -c | tr -d ' ')" 'access1\n'
run tokeep token alice@example.com --json
is 'token --json has the seven keys in order' "$out" \
	'{"access_token":"access1","token_type":"Bearer","expiry_time":"4102444800000","user_name":"alice@example.com","client_id":"1000.X","api_domain":"https://www.zohoapis.com","id":"1"}'
run tokeep token "O'Brien" --json
is 'what is absent is null' "$(json 'd["expiry_time"], d["api_domain"]')" 'None None'
run tokeep token alice@example.com --header
is 'token --header uses the word of the provider' "$out" 'Authorization: Zoho-oauthtoken access1'
run tokeep token "O'Brien" --env
is 'token --env quotes for a shell' "$out" "TOKEEP_ACCESS_TOKEN='it'\\''s'
TOKEEP_EXPIRY_TIME=''
TOKEEP_API_DOMAIN=''
TOKEEP_USER_NAME='O'\\''Brien'"
eval "$out"
is 'a shell reads the token back' "$TOKEEP_ACCESS_TOKEN $TOKEEP_USER_NAME" "it's O'Brien"
unset TOKEEP_ACCESS_TOKEN TOKEEP_USER_NAME TOKEEP_API_DOMAIN TOKEEP_EXPIRY_TIME
run tokeep token --id 2
is 'token --id' "$status:$out" "0:it's"
run tokeep token --client 1000.Y --id 1
is 'an id of another client is not found' "$status:$out" 4:
run tokeep token alice@example.com --client crm
is 'a client may be called by its name in the config' "$out" access1
run tokeep token alice@example.com --client 1000.X
is 'or by its client id' "$out" access1
run tokeep token alice@example.com --client 1000.Y
is 'a user of another client is not found' "$status:$out" 4:
run tokeep token --client crm
is 'which of two: exit 2' "$status:$out" 2:
has 'the choices are named' "$err" "alice@example.com (id 1"
has 'all of them' "$err" "O'Brien (id 2"
run tokeep token nobody@example.com
is 'an unknown user: exit 4' "$status:$out" 4:
has 'the message names the user' "$err" 'nobody@example.com'
has 'and the next command' "$err" 'run: tokeep list'
run tokeep token nobody@example.com --json
is 'the same as JSON' "$status:$(class):$out" 4:not_found:
run tokeep token bob@example.com
is 'a grant that was refused: exit 5' "$status:$out" 5:
has 'the message ends with the login that heals it' "$err." '; run: tokeep login CLIENT --user bob@example.com.'
run tokeep token alice@example.com --min-ttl 60
is 'valid for a minute at least' "$status:$out" 0:access1
run tokeep --json token alice@example.com
is '--json may stand before the verb' "$(json 'd["id"]')" 1
run tokeep token --json alice@example.com -c "$TOKEEP_CONFIG" -v
is 'options may follow operands' "$(json 'd["id"]')" 1
run env POSIXLY_CORRECT=1 tokeep token alice@example.com --json
is 'whatever POSIXLY_CORRECT says' "$(json 'd["id"]')" 1
run tokeep token -- alice@example.com
is 'operands may follow --' "$out" access1

# A refused user whose name means something to a shell, and a client with the client id of another.
cat >"$scratch/two.conf" <<END
store = "${STORE:-sqlite}";
sqlite = { path = "$scratch/two"; };
file = { path = "$scratch/two"; };
clients = { one = { token_url = "https://one.example/token"; client_id = "same"; };
            two = { token_url = "https://two.example/token"; client_id = "same"; }; };
state_dir = "$XDG_STATE_HOME/two";
END
tokeep -q -c "$scratch/two.conf" import - <<'END'
{"user_name":"O'Brien","client_id":"same","access_token":"one1","refresh_token":"r1","issuer":"https://one.example/token"}
{"user_name":"alice@example.com","client_id":"same","access_token":"two2","issuer":"https://two.example/token"}
END
run tokeep -c "$scratch/two.conf" token --client two
is 'of two clients with one client id --client means the one that it names' "$status:$out" 0:two2
run tokeep -c "$scratch/two.conf" token "O'Brien" --client two
is 'a user of the other one is not found' "$status:$out" 4:
run tokeep -c "$scratch/two.conf" token "O'Brien" --client one
is 'but at that one' "$status:$out" 0:one1
run tokeep -c "$scratch/two.conf" token --id 1 --client two
is 'nor is the other one'\''s id' "$status:$out" 4:
run tokeep -c "$scratch/two.conf" token --client same
is 'the client id means both' "$status:$out" 2:
echo 'default_client = "two";' >>"$scratch/two.conf"
run tokeep -c "$scratch/two.conf" token
is 'default_client means the one that it names, too' "$status:$out" 0:two2
echo '{"id":"1","access_token":"old","expiry_time":"1000","status":"invalid_grant"}' | tokeep -q -c "$scratch/two.conf" import -
run tokeep -c "$scratch/two.conf" token "O'Brien"
has 'a name in the command to run is quoted for a shell' "$err." "; run: tokeep login one --user 'O'\\''Brien'."

# list
run tokeep list
is 'list has a title and a line for each token' "$(printf '%s\n' "$out" | wc -l | tr -d ' ')" 4
has 'the title' "$out" 'ID    USER                            CLIENT                EXPIRES       STATUS'
has 'a valid token' "$(printf '%s\n' "$out" | sed -n 2p)" 'valid'
has 'a token without an expiry' "$(printf '%s\n' "$out" | sed -n 3p)" '-             valid'
has 'one whose grant was refused' "$(printf '%s\n' "$out" | sed -n 4p)" 'ago  invalid_grant'
run tokeep list --json
is 'list --json is an array of whole records' "$(json '[len(r) for r in d]')" '[17, 17, 17]'
is 'the fields are in order' "$(json '" ".join(d[0])')" 'id user_name client_id client_secret refresh_token access_token grant_token expiry_time redirect_url api_domain scope token_type grant_type issuer issued_time refreshed_time status'
is 'secrets are hidden' "$(json '[d[0][k] for k in ("client_secret", "refresh_token", "access_token")], d[1]["grant_token"]')" \
	"['<hidden>', '<hidden>', '<hidden>'] <hidden>"
is 'absent secrets are null' "$(json 'd[1]["refresh_token"]')" None
run tokeep list --json --reveal
is '--reveal shows them' "$(json 'd[0]["refresh_token"], d[1]["grant_token"]')" 'refresh1 grant2'
run tokeep list --reveal
has 'for people, too' "$out" 'refresh_token   refresh3'

# show and find
run tokeep show alice@example.com
has 'show names the fields' "$out" 'user_name       alice@example.com'
has 'show hides secrets' "$out" 'access_token    <hidden>'
has 'show tells what a time means' "$out" '4102444800000 (2100-01-01 00:00:00 UTC, in '
run tokeep show --id 3 --json --reveal
is 'show --json prints one object' "$(json 'd["user_name"], d["refresh_token"]')" 'bob@example.com refresh3'
run tokeep show nobody@example.com --json
is 'show of an unknown user' "$status:$(class):$out" 4:not_found:
run tokeep find --user bob@example.com --json
is 'find by user' "$status:$(json 'd["id"]')" 0:3
for kind in access refresh grant; do
	n=$(case $kind in access) echo 3 ;; refresh) echo 1 ;; grant) echo 2 ;; esac)
	printf '%s\n' "$kind$n" >"$scratch/in"
	out=$(tokeep find --$kind-token - --json <"$scratch/in")
	is "find by $kind token, from standard input" "$(json 'd["id"]')" $n
done
out=$(printf refresh1 | tokeep find --refresh-token - --client crm --json)
is 'a secret needs no newline' "$(json 'd["id"]')" 1
printf 'refresh1' | tokeep find --refresh-token - --client 1000.Y >/dev/null 2>&1
is 'of another client nothing is found' $? 4
printf 'refresh' | tokeep find --refresh-token - >/dev/null 2>&1
is 'a part of a token finds nothing' $? 4
run tokeep find --client crm
is 'a client alone is nothing to find by: exit 2' "$status" 2
printf '\n' | tokeep find --access-token - >/dev/null 2>&1
is 'nor is an empty token' $? 2
printf 'access3\n' | tokeep find --user '' --access-token - >/dev/null 2>&1
is 'an empty selector is an absent one' $? 0

# delete and clear
run tokeep delete 2
is 'delete' "$status:$out" 0:
has 'delete says what it did' "$err" 'deleted token 2'
run tokeep delete 2
is 'what is gone is not found' "$status" 4
run tokeep -q delete 3
is '-q says nothing of what went well' "$status:$err" 0:
run tokeep clear
is 'clear asks to be sure: exit 2' "$status" 2
has 'and says how' "$err" 'run: tokeep clear --yes'
run tokeep token alice@example.com
is 'nothing was deleted by that' "$out" access1
run tokeep clear --yes --json
is 'clear --yes' "$status:$(json 'd["deleted"]')" 0:all
run tokeep list --json
is 'leaves nothing' "$out" '[]'

# What is installed
run tokeep version
has 'version' "$out" 'tokeep '
is '--version prints the same' "$(tokeep --version)" "$out"
run tokeep version --json
is 'version --json' "tokeep $(json 'd["version"]')" "$(tokeep --version)"
run tokeep stores
has 'stores marks the one in use' "$out" "*  ${STORE:-sqlite} "
has 'and tells which line of the config chose it' "$out" "chosen by $TOKEEP_CONFIG, line 1"
run tokeep stores --json
is 'stores --json' "$(json '[s["selected"] for s in d if s["name"] == "'"${STORE:-sqlite}"'"]')" '[True]'
run tokeep providers --json
is 'providers --json' "$status:$(json '[p["dialect"] for p in d if p["name"] == "zoho"]')" "0:['zoho']"
run tokeep providers
has 'providers' "$out" 'zoho '
run tokeep check
is 'check of what is well' "$status" 0
has 'it names the config' "$out" "$TOKEEP_CONFIG"
run tokeep check --json
is 'check --json' "$(json 'd[0]["level"], d[0]["subject"]')" 'ok config'
echo 'store = "nothere";' >"$scratch/bad.conf"
run tokeep check -c "$scratch/bad.conf" --json
is 'check of a store that is not there: exit 3, an error among its findings' \
	"$status:$(json '[f["class"] for f in d if f["level"] == "error"]'):$(class)" "3:['config']:config"
echo 'stoer = "sqlite";' >"$scratch/bad.conf"
run tokeep check -c "$scratch/bad.conf"
is 'check of a config that is refused: exit 3' "$status" 3
has 'with its file and line' "$out" "$scratch/bad.conf:1"

# Stores of the process
echo 'store = "list";' >"$scratch/list.conf"
run tokeep -c "$scratch/list.conf" import - <<'END'
{"user_name":"alice@example.com","access_token":"access1"}
END
has 'tokens that end with the process are told' "$err" 'end with this process'
is 'once' "$(printf '%s\n' "$err" | grep -c 'end with')" 1
run tokeep -q -c "$scratch/list.conf" list
is 'but not with -q' "$err" ''
finish
