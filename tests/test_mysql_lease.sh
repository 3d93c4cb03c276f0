#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# test_mysql_lease.sh: the lease row of the mysql store: one holder at a time, however he ends.
. "${srcdir:-$(dirname "$0")}/lib.sh"
. "$srcdir/mariadb.sh"
mariadb_here || { skip "the lease of mysql" "no MariaDB server is installed"; finish; }
mariadb_start || exit 1
mysql_config own "socket = \"$db_socket\"; database = \"tokens\"; user = \"tokeep\"; password = \"$db_password\";"

now_ms () {
	date +%s%3N
}

# holder FILE CALL...: in the background, its output in FILE, its process in $holder
holder () {
	file=$1
	shift
	store_calls "$scratch/own.conf" "$@" >"$scratch/$file" 2>"$scratch/$file.err" &
	holder=$!
}

until_says () {
	until grep -q "^ok" "$scratch/$1" 2>/dev/null; do sleep 0.02; done
}

calls own lock a 1000 10000 , unlock a , lock a 1000 10000 , unlock a
is "a lease is taken, released and taken again" "$(printf '%s' "$out" | tr '\n' ' ')" "ok ok ok ok"
is "a released one leaves nothing" "$(sql 'SELECT COUNT(*) FROM oauthtoken_lease')" 0

holder h1 lock a 1000 20000 , wait "$scratch/end1" , unlock a
until_says h1
calls own lock a 300 1000
is "who waits in vain is told" "$status" 10
has "  by whom it is held and until when" "$out" "another process holds the lease on a and has not released it in 300 ms; it ends by itself in 1"
calls own lock b 0 1000 , unlock b
is "another key is free meanwhile" "$(printf '%s' "$out" | tr '\n' ' ')" "ok ok"
holder h2 lock a 5000 1000 , unlock a
sleep 0.3
touch "$scratch/end1"
wait "$holder"
is "who waits long enough has it after the holder" "$(tr '\n' ' ' <"$scratch/h2")" "ok ok "

holder h3 lock c 0 1500 , sleep 60000
until_says h3
kill -9 "$holder"
wait "$holder" 2>/dev/null
start=$(now_ms)
calls own lock c 5000 1000 , unlock c
took=$(($(now_ms) - start))
is "a dead holder's lease ends by itself" "$(printf '%s' "$out" | tr '\n' ' ')" "ok ok"
ok "  by its end, not before and not long after ($took ms)" test "$took" -gt 500 -a "$took" -lt 3000

holder h4 lock d 0 200 , sleep 1000 , unlock d
until_says h4
sleep 0.4
calls own lock d 0 5000 , sleep 1200 , lock d 0 1000
wait "$holder"
is "one that was held too long can be taken" "$(printf '%s' "$out" | sed -n 1p)" ok
has "its first holder is told when he releases it" "$(cat "$scratch/h4.err")" "the lease on d had ended before it was released"
has "and does not take it from the second by that" "$out" "another process holds the lease on d"

#
# Four processes, three turns each: whoever has it makes a folder and removes it again
#

contend () {
	for _ in 1 2 3; do
		rm -f "$scratch/leave.$1"
		store_calls "$scratch/own.conf" lock e 20000 20000 , wait "$scratch/leave.$1" , unlock e >"$scratch/c.$1" &
		turn=$!
		until_says "c.$1"
		if ! mkdir "$scratch/inside" 2>/dev/null; then echo two >>"$scratch/clash"; fi
		rmdir "$scratch/inside"
		touch "$scratch/leave.$1"
		wait $turn
		echo turn >>"$scratch/turns"
		rm -f "$scratch/c.$1"
	done
}
contenders=
for i in 1 2 3 4; do
	contend $i &
	contenders="$contenders $!"
done
# shellcheck disable=SC2086
wait $contenders
is "four processes take twelve turns" "$(wc -l <"$scratch/turns")" 12
ok "  never two at once" test ! -e "$scratch/clash"

#
# The connection while a lease is held
#

kill_connections () {
	sql "SELECT CONCAT('KILL ', id, ';') FROM information_schema.processlist WHERE user = 'tokeep'" >"$scratch/kill"
	sql "$(cat "$scratch/kill")"
}
holder h5 lock f 0 20000 , wait "$scratch/end5" , save user_name=alice access_token=a , unlock f
until_says h5
is "no transaction is open under a lease" "$(sql 'SELECT COUNT(*) FROM information_schema.innodb_trx')" 0
kill_connections
touch "$scratch/end5"
wait "$holder"
is "a lease outlives the connection it was taken by" "$(cut -d' ' -f1 "$scratch/h5" | tr '\n' ' ')" "ok ok ok ok "
calls own lock f 0 1000 , unlock f
is "  and is released over the next one" "$(printf '%s' "$out" | tr '\n' ' ')" "ok ok"

holder h6 lock g 0 20000 , wait "$scratch/end6" , unlock g
until_says h6
mariadb_restart || exit 1
calls own lock g 0 1000
is "a lease outlives a restart of the server" "$status" 10
touch "$scratch/end6"
wait "$holder"
calls own lock g 0 1000
is "  and is released after it" "$status" 0

finish
