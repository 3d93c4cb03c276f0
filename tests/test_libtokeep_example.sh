#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The example of libtokeep(3), built as the page says, from what is installed alone.
. "${srcdir:-$(dirname "$0")}/lib.sh"

sed -n '/^#include <stdio.h>/,/^\.Ed/p' "$srcdir/../man/libtokeep.3" | sed -e '/^\.Ed/d' -e 's/\\e/\\/g' >"$scratch/header.c"
has 'the page has a program' "$(cat "$scratch/header.c")" 'int main'
# shellcheck disable=SC2046
ok 'it compiles with what pkg-config says' \
	${CC:-cc} $CFLAGS -o "$scratch/header" "$scratch/header.c" $(pkg-config --cflags --libs tokeep)

cat >"$XDG_CONFIG_HOME/tokens.json" <<'EOF'
{"user_name":"alice@example.com","client_id":"demo","access_token":"at-1","refresh_token":"rt-1"}
EOF
ok 'a token is imported' tokeep import "$XDG_CONFIG_HOME/tokens.json"
run "$scratch/header" alice@example.com
is 'it prints the header of a token that is valid' "$out" 'Authorization: Bearer at-1'
run "$scratch/header" bob@example.com
is 'an unknown user is exit 4' "$status" 4
has 'with a message' "$err" 'no such token'
finish
