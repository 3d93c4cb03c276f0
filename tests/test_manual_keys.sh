# SPDX-License-Identifier: LGPL-2.1-or-later
# test_manual_keys.sh: every key that a configuration may have is in its manual page.
. "${srcdir:-$(dirname "$0")}/lib.sh"

top=$srcdir/..
keys=$(sed -n 's/.*{\.name = "\([a-z_]*\)".*/\1/p' "$top/core/schema.c" | sort -u)
ok "the tables of keys are found" test "$(echo "$keys" | wc -l)" -gt 30
for key in $keys; do
	ok "$key is in a manual page" grep -Eq "^\.(It )?Cm (.*[ ,])?$key( |$)" \
		"$top/man/tokeep.conf.5" "$top/man/tokeep-providers.5"
done
finish
