#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# test_command_transfer.sh: export, import and migrate: nothing is lost, altered, or half done without a word.
. "${srcdir:-$(dirname "$0")}/lib.sh"

store=${STORE:-sqlite}
[ -e "$TOKEEP_LIBDIR/$store.so" ] || { echo "1..0 # SKIP the store is not built"; exit 0; }
cd "$scratch" || exit 1
for name in one two; do
	cat >$name.conf <<-END
	store = "$name";
	stores = { one = "$TOKEEP_LIBDIR/$store.so"; two = "$TOKEEP_LIBDIR/$store.so"; };
	one = { path = "$scratch/one.store"; };
	two = { path = "$scratch/two.store"; };
	state_dir = "$scratch/state";
	END
done
one () { tokeep -c one.conf "$@"; }
two () { tokeep -c two.conf "$@"; }
anew () { rm -rf one.store* two.store* state; }
json () { printf '%s' "$out" | python3 -c "import json, sys; d = json.load(sys.stdin); print($1)" 2>&1; }

# records COUNT [NAME [FIRST]]: whole ones, every field given
records () {
	python3 - "$@" <<-'END'
	import json, sys
	name = sys.argv[2] if len(sys.argv) > 2 else "user"
	first = int(sys.argv[3]) if len(sys.argv) > 3 else 1
	for i in range(first, first + int(sys.argv[1])):
	    print(json.dumps({"id": str(i), "user_name": f"{name}{i}@example.com", "client_id": "1000.X",
	        "client_secret": f"s{i}", "refresh_token": f"r{name}{i}", "access_token": f"a{name}{i}",
	        "grant_token": f"g{name}{i}", "expiry_time": str(4102444800000 + i), "redirect_url": "http://127.0.0.1/",
	        "api_domain": "https://www.zohoapis.com", "scope": "a b", "token_type": "Bearer",
	        "grant_type": "authorization_code", "issuer": "https://accounts.zoho.com",
	        "issued_time": "1700000000000", "refreshed_time": "1700000000001", "status": "ok"},
	        separators=(",", ":")))
	END
}

# There and back
cat >odd.jsonl <<'END'
{"id":"7","user_name":"O'Brien \"the\" 1,2\\3","client_id":"é ß 😀","client_secret":null,"refresh_token":"%s'; --","access_token":"\u001b[31m\t","grant_token":null,"expiry_time":null,"redirect_url":null,"api_domain":null,"scope":null,"token_type":null,"grant_type":null,"issuer":null,"issued_time":null,"refreshed_time":null,"status":null}
END
run one import odd.jsonl
is 'odd values are taken' "$status" 0
has 'the count is told' "$err" 'tokens saved: 1'
one export >back.jsonl
is 'and come back as they were' "$(python3 -c '
import json
print(json.load(open("odd.jsonl")) == json.load(open("back.jsonl")))')" True
one export | sed -n '$p' >back2.jsonl
ok 'the order of the fields is that of the record' cmp back.jsonl back2.jsonl

anew
records 2500 >in.jsonl
run one import in.jsonl
is 'many records' "$status" 0
run one export out.jsonl
is 'export into a file prints nothing' "$status:$out" 0:
has 'but tells the count' "$err" 'tokens exported: 2500'
ok 'what went in comes out, byte for byte' sh -c 'sort in.jsonl >a; sort out.jsonl >b; cmp a b'
is 'for the owner alone' "$(stat -c %a out.jsonl)" 600
run one import in.jsonl
is 'a second import changes nothing' "$status:$(one export - | sort | cmp - a)" 0:
chmod 644 out.jsonl
one -q export out.jsonl
is 'also over a file that others could read' "$(stat -c %a out.jsonl)" 600
one export - >piped.jsonl
ok 'a file and standard output are the same' cmp out.jsonl piped.jsonl
ln -s in.jsonl link
run one export link
is 'a symlink is not written through' "$status:$(readlink link)" 2:in.jsonl
mkfifo fifo
run one export fifo
is 'nor a FIFO waited for' "$status" 2
has 'with the way to do it' "$err" 'run: tokeep export - >fifo'
run one export nowhere/out.jsonl
is 'a folder that is not there' "$status" 2
has 'by its name' "$err" 'nowhere/out.jsonl'
is 'no stray file is left' "$(ls -A | grep -c '^out.jsonl\.')" 0

# What is refused
anew
bad () { # SENTENCE LINE WHY
	anew
	{ records 1500; printf '%s\n' "$2"; records 10 later; } >bad.jsonl
	run one import bad.jsonl
	is "$1: exit 2" "$status" 2
	has "$1: the line is named" "$err" "bad.jsonl: line 1501: "
	has "$1: with the reason" "$err" ": $3"
	has "$1: what was before it is saved, and counted" "$err" "tokens saved: 1500"
	is "$1: nothing behind it" "$(one list --json | python3 -c 'import json, sys; print(len(json.load(sys.stdin)))')" 1500
	case $err in *CANARY*) is "$1: no value is repeated" "$err" '' ;; esac
}
bad 'an unknown key' '{"acess_token":"CANARY"}' 'unknown key acess_token'
bad 'a key twice' '{"access_token":"CANARY","access_token":"CANARY"}' 'a key is there twice'
bad 'no JSON' 'CANARY CANARY' 'not JSON'
bad 'a line cut off' '{"access_token":"CANARY' 'the line ends too early'
bad 'an array' '["CANARY"]' 'not an object'
bad 'a number for a token' '{"access_token":12345}' 'access_token: takes a string or null'
bad 'a line break in a value' '{"access_token":"CAN\nARY"}' 'access_token: a line break'
bad 'a NUL in a value' '{"access_token":"CAN\u0000ARY"}' 'a NUL byte'
bad 'nothing to keep' '{"user_name":"alice@example.com"}' 'neither an access, a refresh nor a grant token'
bad 'a value that was hidden' '{"access_token":"<hidden>"}' 'access_token: <hidden> stands for a value'
bad 'a value too long' "{\"access_token\":\"$(head -c 65537 /dev/zero | tr '\0' x)\"}" 'access_token: '
run one import --json bad.jsonl
is 'as JSON: what was saved' "$status:$(json 'd["saved"]')" 2:1500

# What is taken
anew
{ printf '\n  \n{"id":5,"expiry_time":1700000000000,"access_token":"a","scope":null}\r\n'; printf '{"access_token":"b"}'; } >in.jsonl
run one import in.jsonl
is 'blank lines, CRLF, numbers for ids and times, no newline at the end' "$status:$err" '0:tokeep: tokens saved: 2'
is 'each as it should be' "$(one list --json --reveal | python3 -c '
import json, sys
print([(r["id"], r["expiry_time"], r["access_token"]) for r in json.load(sys.stdin)])')" \
	"[('5', '1700000000000', 'a'), ('6', None, 'b')]"
long=$(head -c 65536 /dev/zero | tr '\0' x)
printf '{"access_token":"%s","refresh_token":"%s","user_name":"long"}\n' "$long" "$long" | one -q import
is 'the longest values' "$(one token long)" "$long"

# Ids that are taken
anew
records 1 other 5 | two -q import
records 1200 >in.jsonl
run two import in.jsonl
is 'an id that is taken: exit 0' "$status" 0
has 'it is told' "$err" 'line 5: id 5 belongs to another account there; saved under id 1201'
is 'once' "$(printf '%s\n' "$err" | grep -c 'belongs to')" 1
is 'all other ids are kept' "$(two list --json | python3 -c '
import json, sys
print([r["id"] for r in json.load(sys.stdin) if r["user_name"] != "user%s@example.com" % r["id"]])')" "['5', '1201']"
run two import in.jsonl --json
is 'a second time it finds its record again' "$(json 'd')" "{'saved': 1200, 'new_ids': 1}"
is 'and adds none' "$(two export | wc -l | tr -d ' ')" 1201

# Migrate
anew
records 2500 | one -q import
run one migrate one two --dry-run
is 'a dry run prints no line to change' "$status:$out" 0:
has 'it counts' "$err" 'tokens to copy: 2500'
is 'and copies nothing' "$(two export | wc -l | tr -d ' ')" 0
run one migrate one two
is 'migrate prints the line to change, alone' "$status:$out" '0:store = "two";'
has 'and the count' "$err" 'tokens copied and compared: 2500'
one export | sort >a
two export | sort >b
ok 'every record is there, ids and all' cmp a b
run one migrate one two --json
is 'a second run finishes the same' "$(json 'd["copied"], d["new_ids"], d["newer"], d["config"]')" '2500 0 0 store = "two";'
ok 'and changes nothing' sh -c 'tokeep -c two.conf export | sort | cmp - a'
sed 's/"refreshed_time":"1700000000001"/"refreshed_time":"1800000000000"/;s/"ruser/"fresh/' a | grep -F '"user7@' | two -q import
run one migrate one two
has 'a token that was refreshed there is left alone' "$err" 'token 7: newer in two'
is 'it is what it was' "$(two show user7@example.com --reveal | sed -n 's/refresh_token  *//p')" fresh7
anew
records 3 | one -q import
records 2 other | two -q import
run one migrate one two
is 'ids taken by others there' "$status" 0
has 'get new ones, told' "$err" 'id 1 belongs to another account there; saved under id 4'
is 'both stores are whole' "$(two list --json | python3 -c '
import json, sys
print([(r["id"], r["user_name"].split("@")[0]) for r in json.load(sys.stdin)])')" \
	"[('1', 'other1'), ('2', 'other2'), ('3', 'user3'), ('4', 'user1'), ('5', 'user2')]"
if [ "$store" = sqlite ]; then
	# sql FILE STATEMENT
	sql () { python3 -c 'import sqlite3, sys; d = sqlite3.connect(sys.argv[1]); d.execute(sys.argv[2]); d.commit()' "$@"; }
	anew
	records 3 | one -q import
	records 1 other 9 | two -q import
	sql two.store "create trigger bad after insert on oauthtoken when new.id = '2'
		begin update oauthtoken set access_token = 'CANARY' where id = '2'; end"
	run one migrate one two
	is 'a store that alters a value is found out: exit 10' "$status:$out" 10:
	has 'the token is named' "$err" 'two: token 2 is not what was saved'
	anew
	records 3 | one -q import
	records 1 other 9 | two -q import
	sql two.store "create trigger bad after insert on oauthtoken when new.id = '2'
		begin delete from oauthtoken where id = '2'; end"
	run one migrate one two
	is 'as is one that loses a token' "$status:$out" 10:
	has 'they are counted' "$err" 'two: of the tokens saved, 1 are not there'
	anew
	records 3 | one -q import
	sql two.store "create table oauthtoken (id varchar(10) primary key not null, user_name varchar(255),
		client_id varchar(255), client_secret varchar(255), refresh_token varchar(255), access_token varchar(255),
		grant_token varchar(255), expiry_time varchar(20), redirect_url varchar(255), api_domain varchar(255))"
	chmod 600 two.store
	run one migrate one two
	is 'a table of an SDK takes the ten columns it has' "$status:$out" '0:store = "two";'
	has 'what it has no room for is told' "$err" 'two has no columns for scope'
fi
run one migrate one nowhere
is 'a store that is not there: exit 3' "$status" 3
finish
