#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# test_mysql_cluster.sh: the mysql store on a Galera cluster, its users spread over the nodes: one lease, no id twice, no
# change lost, also when a node dies.
. "${srcdir:-$(dirname "$0")}/lib.sh"
. "$srcdir/mariadb.sh"
. "$srcdir/galera.sh"
galera_here || { skip "mysql on a cluster" "no Galera is installed"; finish; }
galera_start || exit 1

calls node1 save user_name=alice access_token=a refresh_token=r0
calls node2 lock a 1000 1000 , find user_name=alice , unlock a
has "what one node has saved a holder finds by another at once" "$out" "refresh_token=r0"

savers=
for n in 1 2 3; do
	set --
	for i in $(seq 20); do set -- "$@" save user_name="u$n-$i" access_token=x ,; done
	store_calls "$scratch/node$n.conf" "$@" save user_name=same access_token=$n >"$scratch/saver$n" 2>&1 &
	savers="$savers $!"
done
# shellcheck disable=SC2086
wait $savers
is "savers on three nodes at once all succeed" "$(cat "$scratch"/saver? | grep -c '^ok')" 63
sleep 0.5
is "no id twice, no user twice" "$(galera_sql 2 'SELECT COUNT(*), COUNT(DISTINCT user_name), MAX(CAST(id AS UNSIGNED))
	FROM tokens.oauthtoken')" "$(printf '62\t62\t62')"

# Each turn reads the number in the refresh token and swaps it for the next one. Were two in at once, one swap would fail.
turns () {
	for i in $(seq "$3"); do
		out=$scratch/turn.$1.$2.$i
		store_calls "$scratch/node$1.conf" lock refresh 30000 30000 , id 1 , wait "$out.end" , unlock refresh >"$out" 2>&1 &
		turn=$!
		until [ "$(grep -c '^' "$out" 2>/dev/null)" -ge 2 ] 2>/dev/null; do sleep 0.02; kill -0 $turn 2>/dev/null || break; done
		mkdir "$scratch/inside" 2>/dev/null || echo two >>"$scratch/clash"
		have=$(sed -n '2s/.*refresh_token=r\([0-9]*\).*/\1/p' "$out")
		store_calls "$scratch/node$1.conf" swap "r$have" id=1 refresh_token="r$((have + 1))" >>"$scratch/swaps" 2>&1
		rmdir "$scratch/inside"
		touch "$out.end"
		wait $turn
	done
}
takers=
for n in 1 2 3; do
	turns $n a 5 &
	takers="$takers $!"
done
# shellcheck disable=SC2086
wait $takers
ok "one lease at a time over three nodes" test ! -e "$scratch/clash"
is "each holder sees what the one before him wrote by another node" "$(sort "$scratch/swaps" | uniq -c | tr -s ' ')" " 15 ok"

# As a node does for a moment when others come or go.
refuses () {
	galera_sql 1 "SET GLOBAL wsrep_reject_queries = ALL"
	(sleep "$1"; galera_sql 1 "SET GLOBAL wsrep_reject_queries = NONE") &
	refusing=$!
}
for call in "id 1" "save user_name=alice access_token=later" "lock m 20000 1000 , unlock m"; do
	refuses 1.5
	# shellcheck disable=SC2086
	calls node1 $call
	has "a node that is not ready for a second is waited for: ${call%% *}" "$status $out" "0 ok"
	wait $refusing
done
store_calls "$scratch/node1.conf" lock m 0 30000 , wait "$scratch/go" , unlock m >"$scratch/holder" 2>&1 &
holder=$!
until grep -q ok "$scratch/holder"; do sleep 0.02; done
refuses 1.5
touch "$scratch/go"
wait $holder $refusing
calls node2 lock m 0 1000 , unlock m
is "and a lease is given back" "$(printf '%s' "$out" | tr '\n' ' ')" "ok ok"
refuses 7
calls node1 id 1
is "one that stays so is not" "$status" 10
has "  and says so" "$out" "this node of the cluster is not ready"
wait $refusing
refuses 7
calls node1 lock m 20000 1000 , unlock m
is "but by whoever waits for a lease" "$(printf '%s' "$out" | tr '\n' ' ')" "ok ok"
wait $refusing
refuses 9
calls node1 lock m 2000 1000
is "  no longer than for the lease" "$status" 10
wait $refusing

store_calls "$scratch/node3.conf" lock k 0 4000 , sleep 60000 >"$scratch/holder" 2>&1 &
until grep -q ok "$scratch/holder"; do sleep 0.02; done
kill -9 $!
galera_kill 3
calls node1 lock k 20000 1000 , swap r15 id=1 refresh_token=r16 , unlock k
is "a node and a holder that died leave the lease to another" "$(printf '%s' "$out" | tr '\n' ' ')" "ok ok ok"
calls node2 lock k 5000 1000 , id 1 , unlock k
has "which the rest of the cluster sees" "$out" "refresh_token=r16"
calls node3 id 1
is "the dead one is no unknown token" "$status" 10

finish
