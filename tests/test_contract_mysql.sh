#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# test_contract_mysql.sh: the contract of tokeep-store(3), kept by `mysql` with a MariaDB of the test's own.
. "${srcdir:-$(dirname "$0")}/lib.sh"
. "$srcdir/mariadb.sh"
mariadb_here || { skip "the contract, kept by mysql" "no MariaDB server is installed"; finish; }
mariadb_start || exit 1
test_contract mysql "socket = \"$db_socket\"; database = \"tokens\"; user = \"tokeep\"; password = \"$db_password\";" "$@"
