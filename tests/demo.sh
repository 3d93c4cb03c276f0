#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# demo.sh: the main job on your screen, in half a minute after the build: log in, keep the token, use it, let it expire,
# watch one refresh serve many askers, and swap the store. It installs what is missing, builds into build-demo/, and
# talks to a provider of its own on loopback. Nothing of yours is touched.
cd "$(dirname "$0")/.." || exit 1
source=$(pwd)
work=$source/build-demo

. tests/packages.sh

bold='' plain=''
if [ -t 1 ]; then bold=$(printf '\033[1m') plain=$(printf '\033[0m'); fi

title () {
	printf '\n%s%s%s\n' "$bold" "$*" "$plain"
}

fail () {
	echo "demo: $*" >&2
	exit 1
}

# Shows a command, then runs it.
show () {
	printf '  $ %s\n' "$*"
	sh -c "$*" >out 2>&1
	code=$?
	sed 's/^/    /' out
	[ $code = 0 ] || fail "that should have worked"
}

#
# Build. A second run is quick.
#

# shellcheck disable=SC2086 # words
packages_install $packages_to_build curl sqlite3 || fail 'the packages above can not be installed'
mkdir -p "$work" || exit 1
title "Building tokeep in $work"
{
	{ [ -x configure ] || ./autogen.sh; } && cd "$work" &&
	{ [ -e Makefile ] || "$source/configure" --prefix="$work/usr" --enable-sandbox; } &&
	make -j"$(nproc)" && make install
} >"$work/build.log" 2>&1 || { tail -n 30 "$work/build.log"; fail "the build failed: $work/build.log"; }
PATH=$work/usr/bin:$PATH
export PATH

#
# A provider whose tokens live for six seconds, and a config that knows it
#

cd "$work" || exit 1
rm -rf try
mkdir -m 700 try && cd try || exit 1
umask 077
unset http_proxy https_proxy all_proxy ALL_PROXY TOKEEP_LIBDIR TOKEEP_DATADIR
tokeep-sandbox --dialect zoho --token-life 6 --port-file port --log requests >provider.log 2>&1 &
provider=$!
trap 'kill $provider 2>/dev/null' EXIT
trap 'exit 1' INT TERM
while ! [ -s port ]; do
	kill -0 $provider 2>/dev/null || { cat provider.log; exit 1; }
	sleep 0.1
done
sandbox=http://127.0.0.1:$(cat port)
curl -sS "$sandbox/_sandbox/config" >provider.conf || exit 1
cat >tokeep.conf <<END
store = "sqlite";

sqlite = { path = "$PWD/tokens.db"; };
file = { path = "$PWD/tokens.csv"; };
refresh = { leeway = 1; };
state_dir = "$PWD/state";
@include "$PWD/provider.conf"
END
TOKEEP_CONFIG=$PWD/tokeep.conf
export TOKEEP_CONFIG sandbox

#
# The main job
#

title 'The config: one word chooses the store'
show cat tokeep.conf

title 'Log in with a code from the provider'
code=$(curl -sS -d user=alice@example.com "$sandbox/_sandbox/seed" | sed 's/.*"code":"\([^"]*\)".*/\1/')
show "echo $code | tokeep login --code - --user alice@example.com"

title 'The token is in SQLite'
show tokeep list
show "sqlite3 -line tokens.db 'select id, user_name, substr(refresh_token, 1, 12) || \"...\" as refresh_token from oauthtoken'"

title 'Use it'
show "curl -s -H \"\$(tokeep token --header)\" $sandbox/crm/v8/Leads; echo"

title 'Seven seconds later it has expired. Forty programs ask at once'
sleep 7
show tokeep list
show 'for i in $(seq 40); do tokeep token >>answers & done; wait'
show 'sort answers | uniq -c | cut -c 1-32'
show "grep -c '\"grant_type\":\"refresh_token\"' requests    # what the provider saw"
[ "$(cat out)" = 1 ] || fail 'that should have been 1'

title 'Another store: move what is there, and edit the word'
show tokeep migrate sqlite file
show "sed -i 's/^store = \"sqlite\"/store = \"file\"/' tokeep.conf"
show 'tokeep token | cut -c 1-24'
show 'cut -c 1-72 tokens.csv'

title 'Is all well?'
show tokeep check

title 'With a real Zoho account'
cat <<'END'
  1. https://api-console.zoho.com, Self Client: note client id and secret, generate a code.
  2. Put this into ~/.config/tokeep/tokeep.conf (chmod 600), with your data center: us eu in au jp ca sa uk
       clients = { crm = { provider = "zoho"; data_center = "us"; client_id = "1000.X"; client_secret = "Y"; }; };
  3. tokeep login crm --code -
  4. curl -H "$(tokeep token --header)" https://www.zohoapis.com/crm/v8/Leads?fields=Last_Name

END
