#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# test_command_manual.sh: tokeep(1) has every verb, every option and every exit code, and no others.
. "${srcdir:-$(dirname "$0")}/lib.sh"

page=$srcdir/../man/tokeep.1
verbs=$(tokeep --help | sed -n 's/^  \([a-z]*\) .*/\1/p')
is 'the manual has the verbs of the help' \
	"$(sed -n 's/^\.It Nm Cm \([a-z]*\).*/\1/p' "$page" | sort | tr '\n' ' ')" \
	"$(echo "$verbs" | sort | tr '\n' ' ')"

for verb in $verbs; do
	# What stands under the verb; what several verbs share stands before the first.
	awk -v verb="$verb" '/^\.It Nm Cm / { on = $4 == verb; seen = 1 } /^\.S[hs] / { on = 0 } on || !seen' "$page" \
		>"$scratch/text"
	missing=
	for option in $(tokeep help "$verb" | sed -n 's/^  \(-., \)\{0,1\}--\([a-z-]*\).*/\2/p'); do
		grep -q "Fl Fl $option\\b" "$scratch/text" || missing="$missing --$option"
	done
	is "the manual has every option of $verb" "$missing" ''
done
unknown=
tokeep --help >"$scratch/help"
for verb in $verbs; do tokeep help "$verb"; done >>"$scratch/help"
for option in $(grep -o 'Fl Fl [a-z-]*' "$page" | sed 's/.* //' | sort -u); do
	grep -q -- "--$option\\b" "$scratch/help" || unknown="$unknown --$option"
done
is 'the manual has no option that there is not' "$unknown" ''

sed -n 's/.*{ TOKEEP_[A-Z]*, *\([0-9]*\), *"\([a-z_]*\)" },/\1 \2/p' "$srcdir/../core/tokeep.c" |
	grep -v '^0 ' | sort -nu >"$scratch/classes"
sed -n 's/^\.It \([0-9][0-9]*\) Ta \([a-z_]*\) Ta .*/\1 \2/p' "$page" >"$scratch/told"
is 'the manual has the exit codes and their classes' "$(cat "$scratch/told")" "$(cat "$scratch/classes")"
finish
