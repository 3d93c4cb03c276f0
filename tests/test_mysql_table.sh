#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# test_mysql_table.sh: the mysql store on its own table and on those of Zoho's SDKs: values, widths, ids, messages.
. "${srcdir:-$(dirname "$0")}/lib.sh"
. "$srcdir/mariadb.sh"
mariadb_here || { skip "the tables of mysql" "no MariaDB server is installed"; finish; }
# A server that truncates where it may.
mariadb_start --sql-mode= || exit 1

account="socket = \"$db_socket\"; database = \"tokens\"; user = \"tokeep\"; password = \"$db_password\";"
mysql_config own "$account"
mysql_config sdk "$account table = \"sdk\";"

sdk_table () {
	sql "DROP TABLE IF EXISTS sdk, sdk_tokeep; CREATE TABLE sdk (id varchar(10) NOT NULL, user_name varchar(255) $1,
		client_id varchar(255), client_secret varchar(255), refresh_token varchar(255),
		access_token varchar(255), grant_token varchar(255), expiry_time varchar(20),
		redirect_url varchar(255), api_domain varchar(255), PRIMARY KEY (id))
		CHARACTER SET ${2:-utf8mb4} COLLATE ${3:-utf8mb4_general_ci}"
}

line () {
	printf '%s\n' "$out" | sed -n "$1p"
}

#
# Our own
#

calls own list , find user_name=alice , delete 1 , clear
is "a database without the table is an empty store" "$out" " ok
not_found: tokeep@localhost($db_socket)/tokens.oauthtoken: no such token
not_found: tokeep@localhost($db_socket)/tokens.oauthtoken: no token has the id 1
ok"
is "and looking makes no table" "$(sql 'SHOW TABLES')" ""

calls own save user_name=alice refresh_token=r1 access_token='*65536' , id 1
is "the first save makes one" "$(line 1)" "ok id=1 user_name=alice refresh_token=r1 access_token=$(printf '%65536s' '' | tr ' ' x)"
is "which takes values of 64 KiB" "$(line 2)" "$(line 1)"
for column in user_name access_token refresh_token grant_token; do
	has "a lookup by $column goes by an index" \
		"$(sql "EXPLAIN SELECT * FROM oauthtoken WHERE $column = 'x'" | cut -f 6)" "$column"
done

e=$(printf 'jos\303\251')
d=$(printf 'jose\314\201')
beer=$(printf 'bob\360\237\215\272')
sushi=$(printf 'bob\360\237\215\243')
calls own save user_name=Alice access_token=1 , save user_name='alice ' access_token=2 , \
	save user_name="$e" access_token=3 , save user_name="$d" access_token=4 , save user_name=jose access_token=5 , \
	save user_name="$beer" access_token=6 , save user_name="$sushi" access_token=7 , save user_name=0 access_token=8
calls own find user_name=alice , find user_name=Alice , find user_name='alice ' , find user_name="$e" , \
	find user_name="$d" , find user_name=jose , find user_name="$beer" , find user_name="$sushi" , find user_name=0
is "case, blanks, accents, emoji and both ways to write an accent make other users" \
	"$(printf '%s\n' "$out" | sed 's/.*\(id=[0-9]*\) .*/\1/' | tr '\n' ' ')" \
	"id=1 id=2 id=3 id=4 id=5 id=6 id=7 id=8 id=9 "

calls own save id='7 ' user_name=blank access_token=b , save id=ab user_name=lower access_token=c , \
	save id=AB user_name=upper access_token=d , save id=007 user_name=bond access_token=e , \
	save id=123456789012345678901 user_name=long access_token=f , save user_name=next access_token=g
is "ids that no number is are kept apart, and move no counter" "$(line 6)" "ok id=10 user_name=next access_token=g"
calls own delete ab , id AB , delete Ab , delete '7 ' , id 7
is "an id is compared as it is" "$(printf '%s\n' "$out" | cut -d: -f1 | cut -d' ' -f1 | tr '\n' ' ')" \
	"ok ok not_found ok ok "

calls own save id=40 user_name=forty access_token=a , save user_name=next41 access_token=b , delete 41
calls own save user_name=next42 access_token=c
is "an id that was deleted is not given again" "$out" "ok id=42 user_name=next42 access_token=c"
sql "INSERT INTO oauthtoken (id, user_name, access_token) VALUES ('60', 'sdk', 'a')"
calls own delete 60 , save user_name=next61 access_token=c
is "nor one that another program gave" "$(line 2)" "ok id=61 user_name=next61 access_token=c"
calls own clear , list , save user_name=first access_token=a
is "nor after all were deleted" "$(line 3)" "ok id=62 user_name=first access_token=a"
sql 'DELETE FROM oauthtoken_tokeep'
calls own save user_name=second access_token=a , list
is "the table that remembers ids may lose its row" "$(line 2)" " 62 63 ok"

#
# Ids while another program inserts, too
#

calls own save user_name=u1 access_token=a , wait "$scratch/go" , save user_name=u2 access_token=a &
sleep 0.5
sql "INSERT INTO oauthtoken (id, user_name, access_token) VALUES ('65', 'sdk', 'a'), ('66', 'sdk2', 'a')"
touch "$scratch/go"
wait $!
is "an id that an SDK took meanwhile is stepped over" "$(sql "SELECT id FROM oauthtoken WHERE user_name = 'u2'")" "67"

#
# A table of Zoho's SDKs, on a server that truncates, with a collation that takes alice for ALICE
#

sdk_table 'NOT NULL'
calls sdk save user_name=alice access_token=a1 refresh_token=r1 scope=s status=ok , save user_name=ALICE access_token=a2 , \
	save user_name='alice ' access_token=a3 , save access_token=AbC , find access_token=aBc , find access_token=AbC , \
	find user_name=alice , find user_name=ALICE , find user_name='alice '
is "the SDKs' table works, and drops our seven fields" "$(line 7)" \
	"ok id=1 user_name=alice refresh_token=r1 access_token=a1"
is "whatever its collation thinks" "$(line 8) $(line 9)" \
	"ok id=2 user_name=ALICE access_token=a2 ok id=3 user_name=alice  access_token=a3"
is "also of tokens" "$(line 5) $(line 6)" \
	"not_found: tokeep@localhost($db_socket)/tokens.sdk: no such token ok id=4 access_token=AbC"
is "a column that may not be NULL is left empty" "$(sql "SELECT user_name = '' FROM sdk WHERE id = '4'")" 1
calls sdk swap r1 id=1 refresh_token=R1 , swap r1 id=1 refresh_token=r2
is "a swap is not fooled by it" "$(printf '%s\n' "$out" | cut -d: -f1 | tr '\n' ' ')" "ok not_found "

before=$(sql 'SELECT * FROM sdk')
calls sdk save user_name=alice access_token='*256'
is "a value that does not fit is refused" "$status" 10
has "with the column and its width" "$out" "column access_token takes 255 characters and would need 256"
has "and what to run" "$out" "run: ALTER TABLE \`sdk\` MODIFY \`access_token\` MEDIUMTEXT"
calls sdk save id=12345678901 user_name=bob access_token=a
has "an id of eleven digits, too" "$out" "run: ALTER TABLE \`sdk\` MODIFY \`id\` VARCHAR(191) NOT NULL"
calls sdk probe id=1 access_token='*256'
is "a save that would not fit is foretold" "$status" 10
is "nothing was truncated, nothing written" "$(sql 'SELECT * FROM sdk')" "$before"
calls sdk probe id=1 access_token='*255' refresh_token=n
is "one that would is too" "$out" ok
is "without a trace" "$(sql 'SELECT * FROM sdk')" "$before"
calls sdk save user_name=wide access_token="$(printf '%251s' '' | tr ' ' x)$e"
is "255 characters in 256 bytes fit" "$status" 0

( sleep 0.3; sql 'ALTER TABLE sdk MODIFY access_token MEDIUMTEXT' ) &
calls sdk probe id=1 access_token='*256' , sleep 1500 , save user_name=alice access_token='*65536'
wait $!
is "the handle that refused takes it once the column is wider" "$status" 0
is "the table is as it was otherwise" \
	"$(sql "SELECT COUNT(*), SUM(CHARACTER_MAXIMUM_LENGTH = 255) FROM information_schema.columns
		WHERE table_name = 'sdk'")" "$(printf '10\t7')"

sql "UPDATE sdk SET client_secret = 'o''brien' WHERE id = '1'"
calls sdk swap R1 id=1 refresh_token=r9 access_token=fresh , id 1
has "only fields that change are written" "$(line 2)" "client_secret=o'brien refresh_token=r9 access_token=fresh"

sdk_table '' latin1 latin1_swedish_ci
calls sdk save user_name="$e" access_token=a1 , find user_name="$e" , find user_name=JOSE
is "a latin1 table keeps what latin1 has" "$(line 2)" "ok id=1 user_name=$e access_token=a1"
calls sdk save user_name="$beer" client_secret=secret-CANARY access_token=a1
is "and refuses what it hasn't" "$status" 10
has "in the server's words" "$out" "(error 1366); the column's character set or type can't hold it"
is "without the value" "$(printf %s "$out" | grep -c 'xF0\|CANARY')" 0

sql 'ALTER TABLE sdk ENGINE=MyISAM'
before=$(sql 'SELECT * FROM sdk')
calls sdk probe id=1 access_token=probe , save user_name=new access_token=a
has "an engine that can't roll back is not written to" "$(line 2)" "which can't take a change back: nothing was written"
has "  with what to run" "$(line 1)" "run: ALTER TABLE \`sdk\` ENGINE=InnoDB"
is "  nor by a trial" "$(sql 'SELECT * FROM sdk')" "$before"

sql 'DROP TABLE sdk; CREATE TABLE sdk (id varchar(255) NOT NULL PRIMARY KEY, user_mail varchar(255) NOT NULL)'
calls sdk list
has "a table of other columns is named, with what to run" "$out" \
	"the table has no column user_name; run: ALTER TABLE \`sdk\` ADD COLUMN \`user_name\` MEDIUMTEXT"

#
# Rows that no token can be
#

sdk_table ''
calls sdk save user_name=u1 access_token=a , save user_name=u2 access_token=a , save user_name=u3 access_token=a
sql "UPDATE sdk SET refresh_token = 'a\nb' WHERE id = '2'"
calls sdk list
is "a row with a line break in it ends a listing with a failure" "$status" 10
is "after the sound ones" "$(printf %s "$out" | cut -d' ' -f2,3)" "1 3store:"
has "and is named" "$err" 'the row with the id "2": column refresh_token holds no value of a token'
calls sdk find user_name=u2 , find user_name=u3 , find user_name=u4
is "nobody can tell about the row itself, the others are found" \
	"$(printf '%s\n' "$out" | cut -d: -f1 | cut -d' ' -f1 | tr '\n' ' ')" "store ok not_found "

#
# Rights
#

sql "DROP TABLE sdk, sdk_tokeep; CREATE USER narrow@'%' IDENTIFIED BY 'n'"
mysql_config narrow "socket = \"$db_socket\"; database = \"tokens\"; table = \"sdk\"; user = \"narrow\"; password = \"n\";"
calls narrow list
has "an account without rights is told which" "$out" "run: GRANT SELECT, INSERT, UPDATE, DELETE, CREATE ON \`tokens\`"
sdk_table ''
sql "GRANT SELECT, INSERT, UPDATE, DELETE ON tokens.sdk TO narrow@'%'"
for i in 1 2 3 4; do
	store_calls "$scratch/narrow.conf" save user_name="n$i" access_token=a , save user_name=same access_token="$i" \
		>"$scratch/n$i" 2>&1 &
	narrow="$narrow $!"
done
# shellcheck disable=SC2086
wait $narrow
is "without CREATE ids are counted, each given once, no user twice" \
	"$(sql 'SELECT GROUP_CONCAT(id ORDER BY id), COUNT(DISTINCT user_name) FROM sdk')" "$(printf '1,2,3,4,5\t5')"
calls narrow lock k 100 1000
is "but there is no lease between hosts" "$status" 3
has "and the statement to run is told" "$out" "run: CREATE TABLE IF NOT EXISTS \`sdk_lease\`"
has "with the server's words" "$out" "command denied to user 'narrow'"
run tokeep -c "$scratch/narrow.conf" check
has "the doctor warns that the lock of the host serves" "$out" "other hosts are not: narrow@localhost"
has "and has the statement, too" "$out" "run: CREATE TABLE IF NOT EXISTS \`sdk_lease\`"
calls narrow clear , list
is "without DROP, too, all can be deleted" "$out" "ok
 ok"
sql "REVOKE UPDATE ON tokens.sdk FROM narrow@'%'"
calls own save user_name=x access_token=a
mysql_config wrong "socket = \"$db_socket\"; database = \"tokens\"; user = \"tokeep\"; password = \"wrong-CANARY\";"
calls wrong list
has "a wrong password is the server's word" "$out" "Access denied for user 'tokeep'@'localhost' (using password: YES) (error 1045)"
is "and is not repeated" "$(printf %s "$out" | grep -c CANARY)" 0
sql "GRANT ALL ON nowhere.* TO tokeep@'%'"
mysql_config nowhere "socket = \"$db_socket\"; database = \"nowhere\"; user = \"tokeep\"; password = \"$db_password\";"
calls nowhere list
has "a database that isn't there comes with what to run" "$out" "run: CREATE DATABASE \`nowhere\` CHARACTER SET utf8mb4"

finish
