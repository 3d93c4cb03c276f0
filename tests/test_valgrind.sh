#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# test_valgrind.sh: the command's main verbs without a leak or an invalid access, over every store that lasts. Builds with
# a sanitizer leave it out.
. "${srcdir:-$(dirname "$0")}/lib.sh"
. "$srcdir/mariadb.sh"

command -v valgrind >/dev/null || { echo '1..0 # SKIP valgrind is not installed'; exit 0; }
conf=$scratch/tokeep.conf
umask 077

# clean STATUS VERB...: ends with that status, and valgrind finds nothing.
clean () {
	want=$1
	shift
	valgrind -q --error-exitcode=99 --leak-check=full --show-leak-kinds=definite,indirect \
		--errors-for-leak-kinds=definite,indirect --log-file="$scratch/valgrind" \
		"$(command -v tokeep)" -c "$conf" "$@" <"$scratch/in" >"$scratch/.out" 2>&1
	got=$?:$(cat "$scratch/valgrind")
	is "$store: $*: exit $want and nothing found" "$got" "$want:"
	[ "$got" = "$want:" ] || sed 's/^/#   /' "$scratch/.out"
}

if command -v tokeep-sandbox >/dev/null; then
	tokeep-sandbox --port-file "$scratch/port" --seed-refresh r1,alice@example.com --rotate strict \
		>"$scratch/provider" 2>&1 &
	pids=$!
	while ! [ -s "$scratch/port" ]; do kill -0 $pids || exit 1; sleep 0.1; done
	curl -sS "http://127.0.0.1:$(cat "$scratch/port")/_sandbox/config" >"$scratch/provider.conf" || exit 1
else
	skip 'logins and refreshes' 'tokeep-sandbox is not built'
	: >"$scratch/provider.conf"
fi

verbs () {
	store=$1
	cat >"$conf" <<-END
		store = "$store";
		$2
		$3
		state_dir = "$scratch/state-$store";
		@include "$scratch/provider.conf"
	END
	chmod 600 "$conf"
	: >"$scratch/in"
	clean 0 list
	if [ -s "$scratch/provider.conf" ]; then
		echo r1 >"$scratch/in"
		clean 0 login --refresh-token - --user alice@example.com
		clean 0 refresh alice@example.com
		clean 0 token alice@example.com
		clean 0 token alice@example.com --json
		clean 0 check
		curl -sS "http://127.0.0.1:$(cat "$scratch/port")/_sandbox/reset" -X POST -o /dev/null
		clean 5 refresh alice@example.com
		curl -sS "http://127.0.0.1:$(cat "$scratch/port")/_sandbox/seed" -d refresh_token=r1 \
			-d user=alice@example.com -o /dev/null
	fi
	echo '{"user_name":"bob@example.com","client_id":"c","refresh_token":"r","access_token":"a"}' >"$scratch/in"
	clean 0 import -
	clean 0 show bob@example.com --json --reveal
	clean 0 find --user bob@example.com
	clean 4 token nobody@example.com
	clean 0 export
	clean 0 list --json
	clean 4 delete 4711
	clean 0 clear --yes
}

verbs sqlite "sqlite = { path = \"$scratch/tokens.db\"; };"
verbs file "file = { path = \"$scratch/tokens.csv\"; };"
if [ -e "$TOKEEP_LIBDIR/mysql.so" ] && mariadb_here && mariadb_start; then
	verbs mysql "mysql = { socket = \"$db_socket\"; database = \"tokens\"; user = \"tokeep\";" \
		"password = \"$db_password\"; };"
else
	skip 'the verbs over mysql' 'no MariaDB server is installed'
fi
store=list
echo 'store = "list";' >"$conf"
clean 0 stores
clean 0 providers
clean 0 version
echo 'store = "absent";' >"$conf"
clean 3 list
echo 'stroe = "list";' >"$conf"
clean 3 list
finish
