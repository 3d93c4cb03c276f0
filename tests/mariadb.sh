# SPDX-License-Identifier: LGPL-2.1-or-later
# mariadb.sh: a private MariaDB for tests that have read lib.sh: a folder in $scratch, loopback and a unix socket, ended
# with the test. On a machine without a server mariadb_here fails: skip then.
#
#     mariadb_here || { skip "..." "no MariaDB server is installed"; finish; }
#     mariadb_start [OPTION OF THE SERVER...]     sets $db_socket, $db_port, $db_pid; makes the database `tokens` and
#                                                 the account `tokeep` with the password $db_password
#     sql 'SELECT 1'                              as the administrator, in `tokens`; rows without frames
#     mariadb_stop; mariadb_restart               the same data, port and socket
#     mariadb_certificates                        an authority and what it signs, in $db_tls, for TLS
#     mysql_config NAME 'OPTION = ...;'           $scratch/NAME.conf for the mysql store, with state in $scratch
#     calls NAME CALL...                          store_calls with that config: sets $status and $out

db_password='pw-CANARY'
db_pid=

# Server programs stand where only an administrator's PATH leads.
db_program () {
	PATH=$PATH:/usr/sbin:/usr/local/sbin:/usr/libexec:/usr/local/libexec command -v "$1"
}

mariadb_here () {
	db_program mariadbd >/dev/null && db_program mariadb-install-db >/dev/null && command -v mariadb >/dev/null
}

free_port () {
	python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}

# The server refuses to run as root unless told to; as anybody else it must not be told.
db_account () {
	if [ "$(id -u)" = 0 ]; then echo --user=root; fi
}

mariadb_launch () {
	# shellcheck disable=SC2046,SC2086
	$(db_program mariadbd) --no-defaults $(db_account) --datadir="$db/data" --socket="$db_socket" \
		--port="$db_port" --bind-address=127.0.0.1 --pid-file="$db/pid" --tmpdir="$db/tmp" \
		--skip-name-resolve --innodb-buffer-pool-size=32M --innodb-log-file-size=8M \
		--innodb-flush-log-at-trx-commit=2 --performance-schema=OFF --max-connections=200 \
		$db_options >>"$db/log" 2>&1 &
	db_pid=$!
	pids="$pids $db_pid"
	for _ in $(seq 300); do
		if mariadb --no-defaults --socket="$db_socket" -uroot -e 'SELECT 1' >/dev/null 2>&1; then return 0; fi
		kill -0 $db_pid 2>/dev/null || break
		sleep 0.1
	done
	sed 's/^/# /' "$db/log" >&2
	return 1
}

mariadb_start () {
	db=$scratch/mariadb
	db_options=$*
	db_socket=$db/socket
	db_port=$(free_port)
	mkdir -p "$db/tmp"
	# shellcheck disable=SC2046
	mariadb-install-db --no-defaults $(db_account) --datadir="$db/data" --tmpdir="$db/tmp" --auth-root-authentication-method=socket \
		--auth-root-socket-user="$(id -un)" --skip-test-db --skip-name-resolve \
		--innodb-log-file-size=8M >"$db/log" 2>&1 || { sed 's/^/# /' "$db/log" >&2; return 1; }
	mariadb_launch || return 1
	mariadb --no-defaults --socket="$db_socket" -uroot -e "
		CREATE DATABASE tokens CHARACTER SET utf8mb4;
		CREATE USER tokeep@'%' IDENTIFIED BY '$db_password';
		GRANT ALL ON tokens.* TO tokeep@'%';"
}

sql () {
	mariadb --no-defaults --socket="$db_socket" -uroot --default-character-set=utf8mb4 --batch --raw \
		--skip-column-names tokens -e "$1"
}

mariadb_stop () {
	[ -n "$db_pid" ] || return 0
	kill "$db_pid" 2>/dev/null
	wait "$db_pid" 2>/dev/null
	db_pid=
}

mariadb_restart () {
	mariadb_stop
	mariadb_launch
}

# NAME SUBJECTALTNAME AUTHORITY: NAME.key, NAME.pem, signed by the authority.
db_certificate () {
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" \
		-keyout "$db_tls/$1.key" -out "$db_tls/$1.csr" 2>/dev/null &&
	echo "subjectAltName=$2" >"$db_tls/$1.ext" &&
	openssl x509 -req -in "$db_tls/$1.csr" -CA "$db_tls/$3.pem" -CAkey "$db_tls/$3.key" -CAcreateserial \
		-days 2 -extfile "$db_tls/$1.ext" -out "$db_tls/$1.pem" 2>/dev/null
}

# ca (to be trusted), stranger (not to be), server (for 127.0.0.2, by ca), othername (by ca), rogue (by stranger).
# 127.0.0.2, since newer client libraries are lax with 127.0.0.1.
mariadb_certificates () {
	db_tls=$scratch/tls
	mkdir -p "$db_tls"
	for name in ca stranger; do
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=test $name" \
			-keyout "$db_tls/$name.key" -out "$db_tls/$name.pem" 2>/dev/null || return 1
	done
	db_certificate server IP:127.0.0.2 ca &&
	db_certificate othername DNS:db.example.com ca &&
	db_certificate rogue IP:127.0.0.2 stranger
}

mysql_config () {
	printf 'store = "mysql"; state_dir = "%s/state"; mysql = { %s };\n' "$scratch" "$2" >"$scratch/$1.conf"
	chmod 600 "$scratch/$1.conf"
}

calls () {
	name=$1
	shift
	run store_calls "$scratch/$name.conf" "$@"
}
