# SPDX-License-Identifier: LGPL-2.1-or-later
# lib.sh: what shell tests share: TAP, a scratch folder, the staged tokeep. A test begins with
#     . "${srcdir:-$(dirname "$0")}/lib.sh"
# and ends with `finish`. Sentences about behaviour; what was wanted and got is shown when they differ.

srcdir=$(cd "${srcdir:-$(dirname "$0")}" && pwd)
stage=${TOKEEP_STAGE:-$(pwd)/stage} # where `make check` installed
count=0
failed=0

scratch=$(mktemp -d "${TMPDIR:-/tmp}/tokeep-test.XXXXXX") || exit 1
chmod 700 "$scratch"
pids=
cleanup () {
	for p in $pids; do kill "$p" 2>/dev/null; done
	for p in $pids; do wait "$p" 2>/dev/null; done
	rm -rf "$scratch"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Nobody's own config, state or proxy takes part.
HOME=$scratch/home
XDG_CONFIG_HOME=$HOME/.config
XDG_STATE_HOME=$HOME/.local/state
XDG_RUNTIME_DIR=$scratch/run
mkdir -p "$XDG_CONFIG_HOME" "$XDG_STATE_HOME" "$XDG_RUNTIME_DIR"
chmod 700 "$HOME" "$XDG_RUNTIME_DIR"
export HOME XDG_CONFIG_HOME XDG_STATE_HOME XDG_RUNTIME_DIR
unset TOKEEP_CONFIG http_proxy https_proxy HTTPS_PROXY ALL_PROXY all_proxy no_proxy NO_PROXY \
	SSL_CERT_FILE SSL_CERT_DIR SSLKEYLOGFILE
umask 022

# ok SENTENCE COMMAND...: the command succeeds. Its output is shown when it doesn't.
ok () {
	sentence=$1
	shift
	count=$((count + 1))
	"$@" >"$scratch/.ok" 2>&1
	code=$?
	if [ $code = 0 ]; then
		echo "ok $count - $sentence"
	else
		echo "not ok $count - $sentence"
		echo "#   exit $code of: $*"
		sed 's/^/#   /' "$scratch/.ok"
		failed=$((failed + 1))
	fi
}

# is SENTENCE GOT WANT
is () {
	count=$((count + 1))
	if [ "$2" = "$3" ]; then
		echo "ok $count - $1"
	else
		echo "not ok $count - $1"
		printf 'wanted: %s\n   got: %s\n' "$3" "$2" | sed 's/^/#   /'
		failed=$((failed + 1))
	fi
}

# has SENTENCE TEXT PART: the text holds the part.
has () {
	count=$((count + 1))
	case $2 in
	*"$3"*) echo "ok $count - $1" ;;
	*)
		echo "not ok $count - $1"
		printf 'wanted: ...%s...\n   got: %s\n' "$3" "$2" | sed 's/^/#   /'
		failed=$((failed + 1)) ;;
	esac
}

# skip SENTENCE WHY: counted, never silently passed.
skip () {
	count=$((count + 1))
	echo "ok $count - $1 # SKIP $2"
}

# run COMMAND...: sets $status, $out and $err.
run () {
	"$@" >"$scratch/.out" 2>"$scratch/.err"
	status=$?
	out=$(cat "$scratch/.out")
	err=$(cat "$scratch/.err")
}

finish () {
	echo "1..$count"
	[ "$failed" = 0 ]
	exit
}
