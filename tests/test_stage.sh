#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# test_stage.sh: what `make install` installs, and where the parts look for each other.
. "${srcdir:-$(dirname "$0")}/lib.sh"

is 'the staged command is the one that runs' "$(command -v tokeep)" \
	"$(find "$TOKEEP_STAGE" -path '*/bin/tokeep')"
for f in tokeep.h tokeep-store.h tokeep.pc libtokeep.so.0 transport.so file.so list.so tokeep.conf zoho.conf; do
	ok "$f is installed" test -n "$(find "$TOKEEP_STAGE" -name "$f")"
done
is 'no libtool archive lies beside the stores' "$(find "$TOKEEP_LIBDIR" -name '*.la')" ''
for lib in libcurl libmariadb libmysqlclient libsqlite3; do
	ok "the command does not link $lib" sh -c \
		"ldd '$(command -v tokeep)' '$LD_LIBRARY_PATH/libtokeep.so.0' | grep -c $lib | grep -qx 0"
done
is 'pkg-config knows where stores go' "$(pkg-config --variable=storedir tokeep)" "$TOKEEP_LIBDIR"
is 'pkg-config knows where providers go' "$(pkg-config --variable=providerdir tokeep)" \
	"$TOKEEP_DATADIR/providers"
finish
