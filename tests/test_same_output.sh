#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# test_same_output.sh: the same script gives the same output with each of the five store words, with nothing changed but
# the word. Once by the library, in one process, over all five; once by the command over those that last.
. "${srcdir:-$(dirname "$0")}/lib.sh"
. "$srcdir/mariadb.sh"
umask 077

words=
for word in file sqlite mysql memory list; do
	[ -e "$TOKEEP_LIBDIR/$word.so" ] || { skip "$word" 'not built'; continue; }
	[ $word != mysql ] || mariadb_here || { skip mysql 'no MariaDB server is installed'; continue; }
	words="$words $word"
done
case $words in *mysql*) mariadb_start || exit 1 ;; esac

# One config for all; what the runs differ in is its first line.
config () {
	rm -rf "$scratch/now"
	mkdir "$scratch/now"
	case $words in *mysql*) sql 'DROP DATABASE tokens; CREATE DATABASE tokens CHARACTER SET utf8mb4' ;; esac
	cat >"$scratch/$1.conf" <<-END
		store = "$1";
		file = { path = "$scratch/now/tokens"; };
		sqlite = { path = "$scratch/now/tokens.db"; };
		mysql = { socket = "${db_socket-}"; database = "tokens"; user = "tokeep"; password = "$db_password"; };
		memory = { name = "one"; };
		list = { name = "two"; };
		clients = { crm = { provider = "zoho"; client_id = "1000.X"; client_secret = "secret"; }; };
		state_dir = "$scratch/now/state";
	END
}

# A tab separates fields.
tr '|' '\t' >"$scratch/operations" <<'END'
list
find|user_name=alice@example.com
save|user_name=alice@example.com|client_id=1000.X|refresh_token=r1|access_token=a1|expiry_time=4102444800000
save|user_name=alice@example.com|client_id=1000.Y|refresh_token=r2|access_token=a2
save|user_name=O'Brien|client_id=1000.X|access_token=a "quoted", value\with; all|scope=x,y z
save|user_name=x' or '1'='1|refresh_token=r4
save|user_name=Alice@example.com|refresh_token=r5|status=invalid_grant
save|user_name=alice@example.com |refresh_token=r6
save|refresh_token=r7|client_id=1000.X
save|access_token=a8
save|grant_token=g9|user_name=Müller 🍺
list
find|user_name=alice@example.com
find|user_name=alice@example.com|client_id=1000.Y
find|user_name=alice@example.com|client_id=1000.Z
find|user_name=x' or '1'='1
find|user_name=ALICE@EXAMPLE.COM
find|refresh_token=r7
find|refresh_token=r7|client_id=1000.X
find|refresh_token=r7|client_id=1000.Y
find|access_token=a8
find|access_token=a8|client_id=1000.X
find|grant_token=g9
find|grant_token=g9|refresh_token=r7
find|client_id=1000.X
find|id=1
id|1
id|01
id|1 or 1=1
id|4711
save|user_name=alice@example.com|access_token=whose
save|user_name=alice@example.com|client_id=1000.X|access_token=a1b
save|id=2|refresh_token=r2b
save|id=2|user_name=eve|refresh_token=evil
save|id=2|client_id=1000.E|refresh_token=evil
save|id=4711|user_name=carol|access_token=a10
save|user_name=dave|access_token=a11
save|user_name=erin
save|client_id=1000.X
token|user_name=alice@example.com|client_id=1000.X
token|user_name=nobody
token|id=4711
delete|3
delete|3
delete|nobody
save|user_name=frank|access_token=a12
list
clear
list
delete|1
END

first=
for word in $words; do
	config "$word"
	same_output "$scratch/$word.conf" <"$scratch/operations" >"$scratch/$word.out" 2>&1
	is "the script ends well over $word" $? 0
	if [ -z "$first" ]; then
		first=$word
		ok 'it prints what its operations came to' test "$(grep -c 'exit code' "$scratch/$word.out")" = \
			"$(grep -c . "$scratch/operations")"
	else
		ok "$word prints the same as $first" diff "$scratch/$first.out" "$scratch/$word.out"
	fi
done

# The command, a process for each verb.
commands () {
	cd "$scratch" || exit 1
	tokeep list --json
	printf '%s\n' '{"user_name":"alice@example.com","client_id":"1000.X","refresh_token":"r1","access_token":"a1","expiry_time":"4102444800000","api_domain":"https://www.zohoapis.eu"}' \
		"{\"user_name\":\"O'Brien\",\"client_id\":\"1000.X\",\"access_token\":\"it's, \\\"b\\\"\"}" \
		'{"user_name":"bob@example.com","client_id":"1000.Y","refresh_token":"r3","access_token":"a3","expiry_time":"1500000000000","status":"invalid_grant"}' >records
	for verb in 'import records' 'import records' list 'list --json' 'list --json --reveal' \
		'show bob@example.com' "show O'Brien --json --reveal" 'show nobody' 'find --user alice@example.com' \
		'token alice@example.com' 'token alice@example.com --header' 'token alice@example.com --env' \
		'token alice@example.com --json' 'token bob@example.com' 'token' 'token --client 1000.Y' 'export' \
		'delete 2' 'delete 2' 'list --json' 'clear --yes' 'list --json'; do
		echo "\$ tokeep $verb"
		# shellcheck disable=SC2086 # words
		tokeep $verb 2>stderr
		echo "exit $?"
		sed "s/^tokeep: $word: /tokeep: the store: /" stderr # the word itself
	done
}

first=
for word in $words; do
	case $word in memory | list) continue ;; esac
	config "$word"
	TOKEEP_CONFIG=$scratch/tokeep.conf
	export TOKEEP_CONFIG
	cp "$scratch/$word.conf" "$TOKEEP_CONFIG"
	commands >"$scratch/$word.out" 2>&1
	if [ -z "$first" ]; then
		first=$word
		ok 'the command prints tokens' grep -q '"r3"' "$scratch/$word.out"
	else
		ok "the command prints the same over $word as over $first" diff "$scratch/$first.out" "$scratch/$word.out"
	fi
done
finish
