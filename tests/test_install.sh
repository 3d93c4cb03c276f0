#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# test_install.sh: what an author has who knows nothing but the installed files: a store and a program built out of
# tree, with pkg-config alone.
. "${srcdir:-$(dirname "$0")}/lib.sh"

conf=$scratch/tokeep.conf
mkdir "$scratch/author"
cd "$scratch/author" || exit 1
cp "$srcdir/../plugins/list.c" mine.c

# What a library with a sanitizer in it needs of every program.
sanitize=
for flag in $CFLAGS; do case $flag in -fsanitize=*) sanitize=$flag ;; esac; done

# shellcheck disable=SC2046 # words
build () {
	$CC "$@" $(pkg-config --cflags --libs tokeep)
}

ok 'the tutorial store builds out of tree' \
	build -Wall -Wextra -Werror -shared -fPIC -fvisibility=hidden mine.c -o mine.so
is 'it exports what the library looks for, and nothing else' \
	"$(nm -D --defined-only mine.so | awk '{ print $3 }' | grep -v '^tokeep_store_')" ''

echo "store = \"$PWD/mine.so\"; mine = { name = \"here\"; };" >"$conf"
echo '{"user_name":"alice@example.com","access_token":"a"}' >record
run tokeep -c "$conf" import record
is 'it works by its absolute path' "$status" 0
run tokeep -c "$conf" stores
has '`tokeep stores` shows it' "$out" "$PWD/mine.so"

libdir=$TOKEEP_LIBDIR
mkdir stores
cp "$libdir"/*.so stores/
cp mine.so stores/mine.so
TOKEEP_LIBDIR=$PWD/stores
echo 'store = "mine"; mine = { name = "here"; };' >"$conf"
run tokeep -c "$conf" import record
is 'it works by its name where stores are installed' "$status" 0
TOKEEP_LIBDIR=$libdir

cat >program.c <<'C'
#include <stdio.h>
#include <tokeep.h>

int main(int argc, char **argv)
{
	struct tokeep *tk = NULL;
	struct tokeep_token *token = tokeep_token_new();
	int r = tokeep_new(&tk);

	if (!r)
		r = tokeep_load(tk, argv[argc - 1]);
	if (!r)
		r = tokeep_token_set(token, TOKEEP_FIELD_USER_NAME, "alice@example.com");
	if (!r)
		r = tokeep_token_set(token, TOKEEP_FIELD_ACCESS_TOKEN, "a");
	if (!r)
		r = tokeep_save_token(tk, token);
	if (!r)
		r = tokeep_access_token(tk, token, 0);
	if (r)
		fprintf(stderr, "%s\n", tokeep_message(tk));
	else
		puts(tokeep_token_get(token, TOKEEP_FIELD_ACCESS_TOKEN));
	tokeep_token_free(token);
	tokeep_free(tk);
	return tokeep_exit_code(r);
}
C
# shellcheck disable=SC2086 # nothing, or a word
for std in c99 c11 gnu17; do
	ok "a program builds as $std" build $sanitize -std=$std -Wall -Wextra -Wpedantic -Werror program.c -o program
done
run ./program "$conf"
is 'a program gets a token' "$status:$out" '3:'
echo "store = \"$PWD/mine.so\";" >"$conf"
run ./program "$conf"
is 'a program gets a token from a store that is out of tree' "$status:$out" '0:a'

for header in tokeep.h tokeep-store.h; do
	printf '#include <%s>\n#include <%s>\n' $header $header >header.c
	ok "$header compiles as strict C99" build -std=c99 -Wall -Wextra -Wpedantic -Werror -c header.c -o header.o
	if command -v c++ >/dev/null; then
		# shellcheck disable=SC2046
		ok "$header compiles as C++" c++ -x c++ -std=c++11 -Wall -Wextra -Wpedantic -Werror \
			$(pkg-config --cflags tokeep) -c header.c -o header.o
	else
		skip "$header compiles as C++" 'no c++'
	fi
done
finish
