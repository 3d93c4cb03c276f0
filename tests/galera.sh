# SPDX-License-Identifier: LGPL-2.1-or-later
# galera.sh: a cluster of three MariaDB nodes on loopback, for tests that have read lib.sh and mariadb.sh.
#
#     galera_here || { skip "..." "no Galera"; finish; }
#     galera_start          nodes 1, 2, 3, each with $(galera_socket N) and $(galera_port N), the database `tokens` and
#                           the account of mariadb.sh
#     galera_sql N 'SQL'    as the administrator of a node
#     galera_kill N         without a farewell
#     galera_restart N      after that, at other ports: it gets from another what it missed
#
# The nodes begin with copies of one folder, so that none has to send another its state: wsrep_sst_copied, by which the
# server would do that, only says what they have.

galera_library () {
	for file in /usr/lib/galera/libgalera_smm.so /usr/lib*/galera*/libgalera_smm.so /usr/local/lib/galera/libgalera_smm.so; do
		if [ -e "$file" ]; then echo "$file"; return 0; fi
	done
	return 1
}

galera_here () {
	mariadb_here && galera_library >/dev/null
}

galera_socket () {
	echo "$scratch/node$1/socket"
}

galera_port () {
	cat "$scratch/node$1/port"
}

galera_sql () {
	mariadb --no-defaults --socket="$(galera_socket "$1")" -uroot --batch --raw --skip-column-names -e "$2"
}

# A node's ports are chosen before any node is started: to its server, the cluster, and for what it missed.
galera_folder () {
	mkdir -p "$scratch/node$1/tmp"
	for name in port cluster missed; do
		free_port >"$scratch/node$1/$name"
	done
}

galera_synced () {
	for _ in $(seq 300); do
		case $(galera_sql "$1" "SHOW STATUS LIKE 'wsrep_local_state_comment'" 2>/dev/null) in
		*Synced*) return 0 ;;
		esac
		kill -0 "$(cat "$scratch/node$1/server")" 2>/dev/null || break
		sleep 0.1
	done
	sed 's/^/# /' "$scratch/node$1/log" | tail -50 >&2
	return 1
}

galera_transfer () {
	mkdir -p "$scratch/bin"
	cat >"$scratch/bin/wsrep_sst_copied" <<-END
		#!/bin/sh
		case "\$*" in
		*joiner*) echo "ready 127.0.0.1:1"; sleep 1; cat "$scratch/copied" ;;
		*) echo "done \$(cat "$scratch/copied")" ;;
		esac
	END
	chmod +x "$scratch/bin/wsrep_sst_copied"
}

# NODE ADDRESS_OF_ANOTHER [OPTION...]: the server itself, in place of this shell.
galera_serve () {
	node=$scratch/node$1 name=node$1 others=$2
	shift 2
	# shellcheck disable=SC2046
	PATH=$scratch/bin:$PATH exec $(db_program mariadbd) --no-defaults $(db_account) --datadir="$node/data" --socket="$node/socket" \
		--port="$(cat "$node/port")" --bind-address=127.0.0.1 --pid-file="$node/pid" --tmpdir="$node/tmp" \
		--skip-name-resolve --innodb-buffer-pool-size=32M --innodb-log-file-size=8M \
		--innodb-flush-log-at-trx-commit=2 --performance-schema=OFF --binlog-format=ROW --max-connections=200 \
		--innodb-autoinc-lock-mode=2 --wsrep-on=ON --wsrep-provider="$(galera_library)" \
		--wsrep-sst-method=copied --wsrep-cluster-name=tokeep --wsrep-node-name="$name" \
		--wsrep-node-address="127.0.0.1:$(cat "$node/cluster")" --wsrep-cluster-address="gcomm://$others" \
		--wsrep-provider-options="base_port=$(cat "$node/cluster");gmcast.listen_addr=tcp://127.0.0.1:$(cat "$node/cluster");ist.recv_addr=127.0.0.1:$(cat "$node/missed");gcache.size=16M;evs.keepalive_period=PT0.5S;evs.suspect_timeout=PT2S;evs.inactive_timeout=PT5S" \
		"$@"
}

galera_launch () {
	galera_serve "$@" >>"$scratch/node$1/log" 2>&1 &
	echo $! >"$scratch/node$1/server"
	pids="$pids $!"
}

galera_start () {
	for n in 1 2 3; do galera_folder $n; done
	galera_transfer
	# shellcheck disable=SC2046
	mariadb-install-db --no-defaults $(db_account) --datadir="$scratch/node1/data" --tmpdir="$scratch/node1/tmp" --skip-test-db --skip-name-resolve \
		--auth-root-authentication-method=socket --auth-root-socket-user="$(id -un)" \
		--innodb-log-file-size=8M >"$scratch/node1/log" 2>&1 || return 1
	galera_launch 1 "" --wsrep-new-cluster
	galera_synced 1 || return 1
	kill "$(cat "$scratch/node1/server")"
	wait "$(cat "$scratch/node1/server")" 2>/dev/null
	awk '/^uuid/ { id = $2 } /^seqno/ { print id ":" $2 }' "$scratch/node1/data/grastate.dat" >"$scratch/copied"
	for n in 2 3; do
		cp -R "$scratch/node1/data" "$scratch/node$n/data"
		rm -f "$scratch/node$n/data/galera.cache" "$scratch/node$n/data/gvwstate.dat"
	done
	galera_launch 1 "" --wsrep-new-cluster
	galera_synced 1 || return 1
	for n in 2 3; do
		galera_launch $n "127.0.0.1:$(cat "$scratch/node1/cluster")"
		galera_synced $n || return 1
	done
	galera_sql 1 "CREATE DATABASE tokens CHARACTER SET utf8mb4; CREATE USER tokeep@'%' IDENTIFIED BY '$db_password';
		GRANT ALL ON tokens.* TO tokeep@'%'"
	for n in 1 2 3; do
		mysql_config node$n "socket = \"$(galera_socket $n)\"; database = \"tokens\"; user = \"tokeep\";
			password = \"$db_password\";"
	done
}

galera_kill () {
	kill -9 "$(cat "$scratch/node$1/server")"
	wait "$(cat "$scratch/node$1/server")" 2>/dev/null
}

galera_restart () {
	case $1 in 1) other=2 ;; *) other=1 ;; esac
	galera_folder "$1" # the ports it had may be somebody else's by now
	other=127.0.0.1:$(cat "$scratch/node$other/cluster")
	(galera_serve "$1" "$other" --wsrep-recover) 2>&1 | tee -a "$scratch/node$1/log" |
		sed -n 's/.*Recovered position: *//p' >"$scratch/copied"
	galera_launch "$1" "$other" --wsrep-start-position="$(cat "$scratch/copied")"
	galera_synced "$1"
}
