# SPDX-License-Identifier: LGPL-2.1-or-later
# packages.sh: what Debian and Ubuntu call the things we need, for demo.sh and check.sh.

packages_to_build="autoconf automake libtool pkg-config gcc libc6-dev make libconfig-dev libjansson-dev
	libcurl4-openssl-dev libssl-dev libsqlite3-dev libmariadb-dev libmicrohttpd-dev libqrencode-dev"
packages_to_check="g++ clang valgrind libc6-dbg strace mandoc shellcheck python3 mariadb-server galera-4
	curl openssl sqlite3 socat faketime xz-utils procps iproute2 util-linux e2fsprogs"
# What Ubuntu has no package of, or another one; the tests that want it are skipped there.
packages_to_check_more="chromium nodejs npm"

# Those of them that can be installed here, and aren't there from elsewhere.
packages_known () {
	for package; do
		! command -v "$package" >/dev/null || continue
		[ -z "$(apt-cache policy "$package" 2>/dev/null | sed -n 's/^  Candidate: \((none)\)*//p')" ] || echo "$package"
	done
}

# Installs those that are missing; says so first. Elsewhere than on Debian: nothing, configure will tell.
packages_install () {
	command -v dpkg-query >/dev/null && command -v apt-get >/dev/null || return 0
	missing=
	for package; do
		case $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) in
		installed) ;;
		*) missing="$missing $package" ;;
		esac
	done
	[ -n "$missing" ] || return 0
	as_root=
	[ "$(id -u)" = 0 ] || as_root=sudo
	echo "installing$missing"
	# shellcheck disable=SC2086 # words
	$as_root apt-get -qq update &&
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $missing \
		</dev/null >/dev/null
}
