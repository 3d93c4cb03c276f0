#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# test_mysql_faults.sh: the mysql store while the server is down, stalls, restarts or is cut off at each packet: an answer
# in time, never a double row, never a success that isn't one.
. "${srcdir:-$(dirname "$0")}/lib.sh"
. "$srcdir/mariadb.sh"
mariadb_here || { skip "mysql and a server in trouble" "no MariaDB server is installed"; finish; }
mariadb_start --log-bin=binlog --server-id=1 --binlog-format=MIXED || exit 1

account="database = \"tokens\"; user = \"tokeep\"; password = \"$db_password\"; connect_timeout = 1; read_timeout = 2;"
mysql_config own "socket = \"$db_socket\"; $account"
mysql_config tcp "host = \"127.0.0.1\"; port = $db_port; ssl = \"off\"; $account"

python3 "$srcdir/fault_proxy.py" "$db_port" "$scratch/order" >"$scratch/proxy.port" 2>"$scratch/proxy.log" &
pids="$pids $!"
until [ -s "$scratch/proxy.port" ]; do sleep 0.02; done
mysql_config proxy "host = \"127.0.0.1\"; port = $(cat "$scratch/proxy.port"); ssl = \"off\"; $account"

now_ms () {
	date +%s%3N
}

calls proxy save user_name=first access_token=a
is "through the proxy, which does nothing yet" "$status" 0

#
# Reset at each packet
#

# KIND CALL CHECK: the call, with its number for every @, is made with each packet broken in turn until none is left;
# the check looks at what there is. Sets $broken and $odd, the packets after which it did not hold.
break_each () {
	n=0 broken=0 odd=
	while n=$((n + 1)); [ $n -lt 60 ]; do
		echo "$1 $n" >"$scratch/order"
		# shellcheck disable=SC2046
		calls proxy $(echo "$2" | sed "s/@/$n/g")
		if [ -e "$scratch/order" ]; then rm "$scratch/order"; break; fi
		broken=$n
		$3 $n || odd="$odd $n($status: $out)"
	done
}

# What was cut off while it connected may fail, then without effect; all else succeeds.
connecting () {
	[ "$status" = 10 ] && [ "$1" -le 3 ]
}

saved_once () {
	rows=$(sql "SELECT COUNT(*) FROM oauthtoken WHERE access_token = 'a$1'")
	if connecting "$1"; then [ "$rows" = 0 ]; else [ "$status$rows" = 01 ]; fi
}

swapped () {
	have=$(sql "SELECT refresh_token FROM oauthtoken WHERE id = '500'")
	sql "UPDATE oauthtoken SET refresh_token = 'r' WHERE id = '500'"
	if connecting "$1"; then [ "$have" = r ]; else [ "$status$have" = "0r$1" ]; fi
}

deleted () {
	rows=$(sql "SELECT COUNT(*) FROM oauthtoken WHERE id = 'x$1'")
	if connecting "$1"; then [ "$rows" = 1 ]; else [ "$status$rows" = 00 ]; fi
}

answered () {
	connecting "$1" || [ "$status" = 0 ]
}

released () {
	[ "$(sql 'SELECT COUNT(*) FROM oauthtoken_lease')" = 0 ] || return 1
	[ "$1" -le 3 ] || [ "$out" = "ok
ok" ]
}

# All of it where the last call succeeded, else nothing.
whole_batch () {
	rows=$(sql "SELECT COUNT(*) FROM oauthtoken WHERE access_token = 'b$1'")
	sql "DELETE FROM oauthtoken WHERE access_token LIKE 'b%'"
	[ "$status$rows" = 02 ] || [ "$status$rows" = 100 ]
}

calls own lock k 0 1000 , unlock k
for kind in before after; do
	break_each $kind "save user_name=u@ access_token=a@" saved_once
	is "a save reset $kind one of its $broken packets is there once" "$odd" ""
	ok "  of which there are some" test "$broken" -gt 8
	sql "DELETE FROM oauthtoken"
	sql "INSERT INTO oauthtoken (id, user_name, refresh_token, access_token) VALUES ('500', 'swap', 'r', 'a')"
	break_each $kind "swap r id=500 refresh_token=r@" swapped
	is "a swap does not take its own success for another's" "$odd" ""
	break_each $kind "lock k@ 0 300000 , unlock k@" released
	is "a lease is taken and released all the same" "$odd" ""
	break_each $kind "begin , save user_name=b1@ access_token=b@ , save user_name=b2@ access_token=b@ , keep" whole_batch
	is "a batch is kept whole or not at all" "$odd" ""
done
break_each after "save client_id=c access_token=a@" saved_once
is "what nothing can be found by is saved once, too" "$odd" ""
for i in $(seq 20); do echo "INSERT INTO oauthtoken (id, access_token) VALUES ('x$i', 'a');"; done >"$scratch/rows"
sql "$(cat "$scratch/rows")"
break_each after "delete x@" deleted
is "a delete does not take its own success for an unknown id" "$odd" ""
break_each after "find user_name=swap" answered
is "a find is made again" "$odd" ""
break_each after "list" answered
is "a listing goes on" "$odd" ""

#
# Other writers
#

calls own save id=1 user_name=alice access_token=a1 , save id=2 user_name=bob access_token=b1

# hold SECONDS STATEMENT: in a transaction of somebody else's, which then ends
hold () {
	sql "START TRANSACTION; $2; DO SLEEP($1); COMMIT" &
	hold=$!
	sleep 0.3
}

hold 1.5 "UPDATE oauthtoken SET scope = 'held' WHERE id = '1'"
start=$(now_ms)
calls own save id=2 access_token=b2
ok "a row that is held is no other row's business" test $(($(now_ms) - start)) -lt 1000
calls own save id=1 access_token=a2
is "a save waits for its row and is tried again" "$out" "ok id=1 access_token=a2"
wait $hold
hold 6 "UPDATE oauthtoken SET scope = 'held' WHERE id = '1'"
start=$(now_ms)
calls own save id=1 access_token=a3
took=$(($(now_ms) - start))
is "but not for ever" "$status" 10
has "  and says why" "$out" "Lock wait timeout exceeded; try restarting transaction (error 1205); another writer holds"
ok "  within seconds ($took ms)" test $took -lt 6000
wait $hold

# A deadlock: the other has row 2, then wants the ids that our batch holds; ours then wants row 2.
store_calls "$scratch/own.conf" begin , wait "$scratch/go" , save id=2 access_token=b3 , keep >"$scratch/batch" 2>&1 &
batch=$!
until grep -q ok "$scratch/batch" 2>/dev/null; do sleep 0.02; done
sql "START TRANSACTION; UPDATE oauthtoken SET scope = 'x' WHERE id = '2'; DO SLEEP(0.5);
	UPDATE oauthtoken SET scope = 'y' WHERE id IN (SELECT '1' FROM oauthtoken_tokeep FOR UPDATE); COMMIT" 2>/dev/null &
other=$!
sleep 0.2
touch "$scratch/go"
wait $batch $other
have=$(sql "SELECT access_token FROM oauthtoken WHERE id = '2'")
case $(tail -1 "$scratch/batch") in
ok) is "a batch that won a deadlock is kept" "$have" b3 ;;
*) is "a batch that lost one keeps nothing" "$have" b2 ;;
esac

#
# Many as one
#

store_calls "$scratch/own.conf" begin , save id=1 access_token=lost , wait "$scratch/go2" , save id=2 access_token=lost , \
	find user_name=alice , keep , save user_name=after access_token=x >"$scratch/batch" 2>&1 &
batch=$!
until [ "$(grep -c ok "$scratch/batch" 2>/dev/null)" = 2 ]; do sleep 0.02; done
sql "SELECT CONCAT('KILL ', id, ';') FROM information_schema.processlist WHERE user = 'tokeep'" >"$scratch/kill"
sql "$(cat "$scratch/kill")"
touch "$scratch/go2"
wait $batch
is "a batch that lost its connection fails to its end, and the handle works after it" \
	"$(cut -d: -f1 "$scratch/batch" | cut -d' ' -f1 | tr '\n' ' ')" "ok ok ok store store store ok "
is "  and nothing of it is kept" "$(sql "SELECT COUNT(*) FROM oauthtoken WHERE access_token = 'lost'")" 0

#
# The server
#

mysql_config readonly "socket = \"$db_socket\"; $account"
sql 'SET GLOBAL read_only = 1'
calls readonly probe id=1 access_token=new
is "a server that takes no writes is noticed before a refresh token is spent" "$status" 10
has "  with a word about it" "$out" "the server takes no writes: is it a replica?"
calls readonly id 1
is "  and still read from" "$status" 0
sql 'SET GLOBAL read_only = 0'

sql "SET GLOBAL binlog_format = 'STATEMENT'"
calls own save id=1 access_token=logged , lock s 0 1000 , unlock s , begin , save id=2 access_token=logged , keep
is "a binary log of statements is coped with" "$(printf '%s\n' "$out" | cut -d' ' -f1 | tr '\n' ' ')" "ok ok ok ok ok ok "
sql "SET GLOBAL binlog_format = 'MIXED'"

store_calls "$scratch/own.conf" id 1 , wait "$scratch/go3" , save id=1 access_token=restarted , id 1 >"$scratch/restart" 2>&1 &
handle=$!
until grep -q ok "$scratch/restart" 2>/dev/null; do sleep 0.02; done
mariadb_restart || exit 1
touch "$scratch/go3"
wait $handle
has "a handle outlives a restart of the server" "$(tail -1 "$scratch/restart")" "access_token=restarted"

kill -STOP "$db_pid"
start=$(now_ms)
calls tcp id 1
took=$(($(now_ms) - start))
kill -CONT "$db_pid"
is "a server that says nothing is given up" "$status" 10
ok "  within the time-out ($took ms)" test $took -lt 3000

store_calls "$scratch/own.conf" id 1 , wait "$scratch/go4" , save id=1 access_token=stopped >"$scratch/stop" 2>&1 &
handle=$!
until grep -q ok "$scratch/stop" 2>/dev/null; do sleep 0.02; done
kill -STOP "$db_pid"
touch "$scratch/go4"
start=$(now_ms)
wait $handle
took=$(($(now_ms) - start))
kill -CONT "$db_pid"
has "one that stalls in the middle, too" "$(tail -1 "$scratch/stop")" "Lost connection"
ok "  within the time-outs ($took ms)" test $took -lt 8000
sleep 0.2

echo "stall 14" >"$scratch/order"
calls proxy save user_name=stalled access_token=s
is "a stall is no success" "$status" 10
is "  and leaves nothing" "$(sql "SELECT COUNT(*) FROM oauthtoken WHERE user_name = 'stalled'")" 0

mariadb_stop
calls own id 1
has "a server that is down is no unknown token" "$out" "store: tokeep@localhost($db_socket)/tokens.oauthtoken: connecting:"
has "  and comes with a question" "$out" "does the server run, and is it to be reached there?"
calls tcp lock a 1000 1000
is "there is no lease then" "$status" 10

finish
