#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# test_swap.sh: compare and swap, over every store and over one with the six functions alone: a refresh that came too
# late overwrites nothing.
. "${srcdir:-$(dirname "$0")}/lib.sh"
. "$srcdir/mariadb.sh"
umask 077
conf=$scratch/tokeep.conf

# results CALLS...: the classes that they came to
results () {
	store_calls "$conf" "$@" | sed 's/[: ].*//' | tr '\n' ' '
}

swaps () {
	word=$1
	printf 'store = "%s";\n%s = { %s };\nstate_dir = "%s/state";\n' "$word" "$(basename "$word" .so)" "$2" \
		"$scratch" >"$conf"
	is "$word: the token that was presented is replaced, once" "$(results \
		save id=1 user_name=alice refresh_token=r1 access_token=a1 scope=s , \
		swap r1 id=1 refresh_token=r2 access_token=a2 , swap r1 id=1 refresh_token=r3 access_token=a3 , \
		clear)" 'ok ok not_found ok '
	is "$word: what is not given is kept, and a swap that failed writes nothing" "$(store_calls "$conf" \
		save id=1 user_name=alice refresh_token=r1 access_token=a1 scope=s , \
		swap r1 id=1 refresh_token=r2 access_token=a2 , swap r1 id=1 refresh_token=r3 access_token=a3 status=x , \
		id 1 , clear | sed -n 4p)" 'ok id=1 user_name=alice refresh_token=r2 access_token=a2 scope=s'
	is "$word: a row that is gone does not come back" "$(results \
		save id=1 user_name=alice refresh_token=r1 , delete 1 , swap r1 id=1 refresh_token=r2 , \
		swap '' id=1 refresh_token=r2 , list , clear)" 'ok ok not_found not_found  ok '
	is "$word: no refresh token is a value like any" "$(results \
		save id=1 user_name=alice access_token=a1 , swap r1 id=1 refresh_token=r2 , \
		swap '' id=1 refresh_token=r2 , swap '' id=1 refresh_token=r3 , clear)" 'ok not_found ok not_found ok '
	is "$word: values are compared to the last byte" "$(results \
		save id=1 user_name=alice refresh_token=r1 , swap R1 id=1 refresh_token=r2 , \
		swap 'r1 ' id=1 refresh_token=r2 , swap r id=1 refresh_token=r2 , swap r1 id=1 refresh_token=r2 , \
		clear)" 'ok not_found not_found not_found ok ok '
}

races () {
	store_calls "$conf" save id=1 user_name=alice refresh_token=r1 >/dev/null
	: >"$scratch/races"
	racers=
	for i in 1 2 3 4 5 6 7 8; do
		store_calls "$conf" swap r1 id=1 "refresh_token=by-$i" >>"$scratch/races" &
		racers="$racers $!"
	done
	# shellcheck disable=SC2086 # words
	wait $racers
	is "$word: of eight processes one wins" "$(grep -c '^ok' "$scratch/races"):$(grep -c '^not_found' "$scratch/races")" 1:7
}

for word in file sqlite memory list; do
	[ -e "$TOKEEP_LIBDIR/$word.so" ] || { skip "$word" 'not built'; continue; }
	case $word in
	file | sqlite) swaps "$word" "path = \"$scratch/tokens-$word\";"; races ;;
	*) swaps "$word" '' ;;
	esac
done
if [ -e "$TOKEEP_LIBDIR/mysql.so" ] && mariadb_here && mariadb_start; then
	swaps mysql "socket = \"$db_socket\"; database = \"tokens\"; user = \"tokeep\"; password = \"$db_password\";"
	races
else
	skip 'mysql' 'no MariaDB server is installed'
fi

sed '/^\/\* May be left out: then the library compares/,$d' "$srcdir/../plugins/list.c" >"$scratch/six.c"
# shellcheck disable=SC2046 # words
ok 'the list store builds without its swap' $CC -shared -fPIC -fvisibility=hidden -o "$scratch/six.so" "$scratch/six.c" \
	$(pkg-config --cflags --libs tokeep)
is 'and has none' "$(nm -D --defined-only "$scratch/six.so" | grep swap)" ''
swaps "$scratch/six.so" ''
finish
