#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# test_mysql_tls.sh: whom the mysql store trusts with a password: options, certificates, servers that ask for too much.
. "${srcdir:-$(dirname "$0")}/lib.sh"
. "$srcdir/mariadb.sh"

account="database = \"tokens\"; user = \"tokeep\"; password = \"$db_password\";"

#
# Options: refused before anything is connected to
#

refused () {
	mysql_config bad "$2 $account"
	calls bad list
	has "$1" "$out" "$3"
}
refused "TLS can't be switched off for another host" 'host = "db.example.com"; ssl = "off";' \
	'bad.conf:1: mysql.ssl: "off" is for a unix socket or a loopback address'
refused "nor for an address that looks like loopback" 'host = "127.0.0.1.example.com"; ssl = "off";' 'mysql.ssl: "off" is'
refused "ssl has two values" 'ssl = "prefer";' 'mysql.ssl: neither "verify" nor "off"'
refused "a certificate file that isn't there is told" 'ssl_ca = "/nowhere/ca.pem";' 'mysql.ssl_ca: /nowhere/ca.pem: No such file'
refused "a host is a host, not options for the client library" 'host = "a;ssl_verify=0";' 'mysql.host: no host name'
refused "nor a list" 'host = "db1,db2";' 'mysql.host: no host name'
refused "a socket is of this host" 'host = "db.example.com"; socket = "/s";' 'mysql.socket: goes with host = "localhost" only'
refused "localhost has no port" 'host = "localhost"; port = 3307;' 'mysql.port: localhost is reached by its unix socket'
refused "a port is a number" 'host = "127.0.0.1"; port = "70000";' 'mysql.port: "70000" is no number from 1 to 65535'
refused "a table's name needs no quoting" 'table = "a`b";' 'mysql.table: "a`b" is no name of 1 to 64'
refused "a time-out is some time" 'read_timeout = 0;' 'mysql.read_timeout: "0" is no number from 1 to 3600'
refused "an unknown option is told" 'tabel = "x";' 'mysql.tabel'

MARIADB_TLS_DISABLE_PEER_VERIFICATION=1
export MARIADB_TLS_DISABLE_PEER_VERIFICATION
refused "the environment switches no verification off" 'host = "127.0.0.2";' \
	'run: unset MARIADB_TLS_DISABLE_PEER_VERIFICATION'
unset MARIADB_TLS_DISABLE_PEER_VERIFICATION

#
# Servers that must not get the password
#

if ! command -v openssl >/dev/null || ! mariadb_certificates; then
	skip "TLS" "no openssl command"
	finish
fi

# KIND PLUGIN [CERTIFICATE]: sets $port; what it hears is in $scratch/heard
rogue () {
	: >"$scratch/port"
	python3 "$srcdir/rogue_mysql.py" "$1" "$2" "$scratch/heard" ${3:+"$db_tls/$3.pem" "$db_tls/$3.key"} \
		>"$scratch/port" 2>/dev/null &
	rogue_pid=$!
	pids="$pids $rogue_pid"
	until [ -s "$scratch/port" ]; do sleep 0.02; done
	port=$(cat "$scratch/port")
}

rogue_end () {
	kill "$rogue_pid"
	wait "$rogue_pid" 2>/dev/null
}

# SENTENCE OPTIONS WORDS
refuses () {
	mysql_config rogue "host = \"127.0.0.2\"; port = $port; $account $2"
	calls rogue list
	is "$1" "$status" 10
	has "  and says why" "$out" "$3"
	rogue_end
	is "  the password stays here" "$(grep -ac CANARY "$scratch/heard")" 0
}

verify="ssl_ca = \"$db_tls/ca.pem\";"
for plugin in mysql_native_password caching_sha2_password sha256_password mysql_clear_password; do
	rogue plain $plugin
	refuses "a server without TLS, $plugin: refused" "$verify" "SSL is required"
	rogue tls $plugin rogue
	refuses "a certificate of somebody else's authority, $plugin: refused" "$verify" "TLS/SSL error"
	rogue tls $plugin othername
	refuses "a certificate for another name, $plugin: refused" "$verify" "TLS/SSL error"
	rogue plain $plugin
	refuses "on loopback without TLS, asked for it in clear after $plugin: refused" 'ssl = "off";' \
		"asks for the password in a way"
done
rogue tls mysql_native_password rogue
refuses "without ssl_ca a certificate of no known authority is refused" "" "TLS/SSL error"
rogue plain dialog
refuses "nobody is asked on the terminal" 'ssl = "off";' "asks for the password in a way"
rogue infile mysql_native_password
refuses "a server that wants to read our files is refused" 'ssl = "off";' "(error "
is "  is told that there are none to be had" "$(grep -ac "WOULD SEND FILES" "$scratch/heard")" 0
is "  and gets none" "$(grep -ac "FILE:$(cat /etc/hostname)" "$scratch/heard")" 0

#
# The real one
#

mariadb_here || { skip "a server with TLS" "no MariaDB server is installed"; finish; }
mariadb_start --bind-address=127.0.0.2 --ssl-ca="$db_tls/ca.pem" --ssl-cert="$db_tls/server.pem" \
	--ssl-key="$db_tls/server.key" || exit 1
sql "ALTER USER tokeep@'%' REQUIRE SSL"
mysql_config tls "host = \"127.0.0.2\"; port = $db_port; $account $verify"
calls tls save user_name=alice access_token=a , list
is "a server with the right certificate is used" "$out" "ok id=1 user_name=alice access_token=a
 1 ok"
mysql_config clear "host = \"127.0.0.2\"; port = $db_port; $account ssl = \"off\";"
calls clear list
has "the account is really for TLS only" "$out" "Access denied"
sql "CREATE USER clear@'%' IDENTIFIED BY '$db_password'; GRANT ALL ON tokens.* TO clear@'%'"
mysql_config clear "host = \"127.0.0.2\"; port = $db_port; database = \"tokens\"; user = \"clear\";
	password = \"$db_password\"; ssl = \"off\";"
calls clear list
is "ssl = \"off\" works on loopback" "$out" " 1 ok"
mysql_config trusted "host = \"127.0.0.2\"; port = $db_port; $account"
SSL_CERT_FILE=$db_tls/ca.pem
export SSL_CERT_FILE
calls trusted list
is "without ssl_ca the system's authorities count" "$out" " 1 ok"
unset SSL_CERT_FILE

# The server goes away between two calls: the connection that is written to is closed, by TLS, without a signal.
{ sleep 1; sql "SELECT CONCAT('KILL ', id) FROM information_schema.processlist WHERE user = 'tokeep'" >"$scratch/kill"
  sql "$(cat "$scratch/kill")"; } &
calls tls list , sleep 2000 , save user_name=bob access_token=b
wait $!
is "a TLS connection that was closed is opened again" "$out" " 1 ok
ok
ok id=2 user_name=bob access_token=b"

finish
