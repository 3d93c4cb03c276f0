#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# check.sh: installs what is missing, builds in every way that matters, runs every test, and closes with
#
#     N passed, N failed, N skipped
#
# Everything is built in build-check/, or in the folder given as the first argument. With TOKEEP_TEST_ROUNDS=full the plain
# build's tests run all their rounds.
cd "$(dirname "$0")/.." || exit 1
source=$(pwd)
work=${1:-$source/build-check}
cores=$(nproc 2>/dev/null || echo 2)
sanitize='-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer'
passed=0 failed=0 skipped=0
rounds=${TOKEEP_TEST_ROUNDS:-few}
unset TOKEEP_TEST_ROUNDS
began=$(date +%s)

. tests/packages.sh

# step NAME COMMAND...: one of our own, counted like a test.
step () {
	name=$1
	shift
	started=$(date +%s)
	if "$@" >"$work/$name.log" 2>&1; then
		passed=$((passed + 1))
		printf '%-32s passed, %s s\n' "$name" $(($(date +%s) - started))
	else
		failed=$((failed + 1))
		printf '%-32s FAILED, %s s: %s\n' "$name" $(($(date +%s) - started)) "$work/$name.log"
		tail -n 40 "$work/$name.log" | sed 's/^/    /'
		return 1
	fi
}

lines () {
	grep -c "$1" "$2"
}

# tally BUILD: a line for every test that ran there.
tally () {
	for trs in "$work/$1"/tests/*.trs; do
		[ -e "$trs" ] || continue
		test=$(basename "$trs" .trs)
		p=$(lines '^:test-result: PASS' "$trs")
		s=$(lines '^:test-result: SKIP' "$trs")
		f=$(lines '^:test-result: [^PS]' "$trs")
		passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
		printf '  %-30s %s passed' "$test" "$p"
		[ "$s" = 0 ] || printf ', %s skipped' "$s"
		[ "$f" = 0 ] || printf ', %s FAILED' "$f"
		echo
		[ "$s" = 0 ] || grep '^ok .*# SKIP' "${trs%.trs}.log" | sed 's/^/    /'
		[ "$f" = 0 ] || grep -v '^PASS\|^ok ' "${trs%.trs}.log" | tail -n 60 | sed 's/^/    /'
	done
}

# run_tests BUILD [VARIABLE=VALUE...]: make check there. What fails is a test, or the make itself. More at once than
# there are cores, for tests mostly wait.
run_tests () {
	build=$1
	shift
	before=$failed
	rm -f "$work/$build"/tests/*.trs
	make -k -C "$work/$build" -j$((cores * 2)) check "$@" >"$work/$build-check.log" 2>&1
	result=$?
	tally "$build"
	[ $result = 0 ] || [ "$failed" != "$before" ] || {
		failed=$((failed + 1))
		echo "make check FAILED: $work/$build-check.log"
		tail -n 40 "$work/$build-check.log" | sed 's/^/    /'
	}
}

# What we build and test is what is given to packagers, and it can't be written, as in make distcheck.
unpack () {
	./autogen.sh && mkdir "$work/dist" && (cd "$work/dist" && "$source/configure" -q && make -s dist) &&
	mkdir "$work/source" && tar -xf "$work"/dist/tokeep-*.tar.xz -C "$work/source" --strip-components=1 &&
	chmod -R a-w "$work/source"
}

# build NAME FLAGS OF CONFIGURE...
build () (
	mkdir "$work/$1" && cd "$work/$1" || exit 1
	shift
	"$work/source/configure" -q "$@" && make -s -j"$cores"
)

lint_manuals () {
	! mandoc -Tlint -Wwarning man/*.[0-9] 2>/dev/null | grep .
}

# They read each other and set variables for each other, which it can't see.
lint_scripts () {
	shellcheck -s sh -S warning -e SC1091,SC2010,SC2034,SC2154 autogen.sh tests/*.sh
}

echo "check: tokeep in $source, built in $work"
# shellcheck disable=SC2086 # words
packages_install $packages_to_build $packages_to_check || exit 1
# shellcheck disable=SC2046,SC2086 # likewise
packages_install $(packages_known $packages_to_check_more)
chmod -R u+w "$work" 2>/dev/null
rm -rf "$work"
mkdir -p "$work" || exit 1

if step unpack unpack; then
	step build-gcc build gcc --enable-werror --enable-sandbox &&
		run_tests gcc TOKEEP_TEST_ROUNDS="$rounds"
	step build-clang build clang --enable-werror CC=clang &&
		step build-clang-tests make -s -C "$work/clang" -j"$cores" check TESTS=
	echo 'with the address and undefined sanitizers:'
	step build-sanitizers build sanitizers --enable-werror CFLAGS="-g -O1 $sanitize" && run_tests sanitizers
	echo 'with the thread sanitizer:'
	step build-threads build threads --enable-werror CFLAGS='-g -O1 -fsanitize=thread' &&
		run_tests threads TESTS='test_contract_list.sh test_contract_memory.sh test_contract_sqlite.sh'
	# The tests ran above; here install, uninstall and cleaning count.
	step distcheck make -C "$work/gcc" -j"$cores" distcheck TESTS=test_stage.sh
fi
! command -v mandoc >/dev/null || step lint-manuals lint_manuals
! command -v shellcheck >/dev/null || step lint-scripts lint_scripts

printf '\nin %s minutes\n' $((($(date +%s) - began + 59) / 60))
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
