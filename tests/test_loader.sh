#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# test_loader.sh: a plugin spoiled in each way we refuse (spoiled/store.c), and what the user reads then.
. "${srcdir:-$(dirname "$0")}/lib.sh"

conf=$scratch/tokeep.conf

# spoil NAME FLAGS...: makes $scratch/NAME.so
spoil () {
	plugin=$1
	shift
	# shellcheck disable=SC2046,SC2086 # words, each of them
	$CC -shared -fPIC -fvisibility=hidden $(pkg-config --cflags tokeep) "$@" -o "$scratch/$plugin.so" \
		"$srcdir/spoiled/store.c" ${libs-$(pkg-config --libs tokeep)} || exit 1
}

# with STORE [GROUP...]: a config that selects it
with () {
	echo "store = \"$1\";" >"$conf"
	shift
	[ $# = 0 ] || printf '%s\n' "$@" >>"$conf"
}

# refused SENTENCE PART...: `tokeep list` ends with 3, shows nothing, and its message has every part.
refused () {
	sentence=$1
	shift
	run tokeep -c "$conf" list
	is "$sentence: exit 3" "$status" 3
	is "$sentence: nothing is listed" "$out" ''
	for part; do
		has "$sentence: says $part" "$err" "$part"
	done
}

# A sound one works, so that what follows is due to the spoiling.
spoil sound
with "$scratch/sound.so"
run tokeep -c "$conf" show alice
is 'a store is named by its absolute path' "$status" 0
libs='' spoil unlinked
with "$scratch/unlinked.so"
run tokeep -c "$conf" show alice
is 'a store that does not link libtokeep itself works as well' "$status" 0
with mine "stores = { mine = \"$scratch/sound.so\"; };" 'mine = { level = "low"; };'
run tokeep -c "$conf" show alice
is 'a path may have a name, and its group that name' "$status" 0

#
# The file
#

with absent
refused 'a bare name that is not installed' "$TOKEEP_LIBDIR/absent.so" 'No such file' 'installed in' 'file' 'list'
refused 'the line of the config' "$conf:1: store"
with "$scratch/absent.so"
refused 'a path that is not there' "$scratch/absent.so" 'No such file'
for name in ../file ./file.so sub/file Upper 'a b' 'file.so' 'a123456789b123456789c123456789d12' ''; do
	with "$name"
	refused "the name '$name'" "$conf:1"
done
with a123456789b123456789c123456789d1
refused 'a name of 32 characters is one' "$TOKEEP_LIBDIR/a123456789b123456789c123456789d1.so"

echo 'no object' >"$scratch/text.so"
with "$scratch/text.so"
refused 'a file that is no shared object' "$scratch/text.so" 'file too short'
seq 1000 >"$scratch/long.so"
with "$scratch/long.so"
refused 'a longer one' "$scratch/long.so" 'invalid ELF header'
cp "$scratch/sound.so" "$scratch/foreign.so"
printf '\001' | dd of="$scratch/foreign.so" bs=1 seek=4 conv=notrunc 2>/dev/null
with "$scratch/foreign.so"
refused 'one for another machine' "$scratch/foreign.so" 'ELFCLASS32'
with "$scratch"
refused 'a folder' "$scratch" 'no regular file'
mkfifo "$scratch/fifo.so"
with "$scratch/fifo.so"
refused 'a FIFO' "$scratch/fifo.so" 'no regular file'

cp "$scratch/sound.so" "$scratch/open.so"
chmod o+w "$scratch/open.so"
with "$scratch/open.so"
refused 'one that anybody may write' "$scratch/open.so" "run: chmod o-w $scratch/open.so"
mkdir -m 777 "$scratch/open"
chmod 777 "$scratch/open"
cp "$scratch/sound.so" "$scratch/open/"
with "$scratch/open/sound.so"
refused 'one in a folder where anybody may write' "$scratch/open" "run: chmod o-w $scratch/open"

#
# What the linker meets
#

spoil undefined -DUNDEFINED
with "$scratch/undefined.so"
refused 'a function that nobody has' "$scratch/undefined.so" 'undefined symbol: nobody_has_this'
echo 'int from_another_library(void); int from_another_library(void) { return 0; }' >"$scratch/other.c"
$CC -shared -fPIC -o "$scratch/libother-4711.so" "$scratch/other.c"
libs="$(pkg-config --libs tokeep) -L$scratch -lother-4711" spoil depends -DDEPENDS
rm "$scratch/libother-4711.so"
with "$scratch/depends.so"
refused 'a library that is missing' "$scratch/depends.so" 'libother-4711.so: cannot open shared object file'

# Decoys in the places where others look.
marker=$scratch/decoy-was-loaded
spoil decoy "-DDECOY=\"$marker\""
mkdir "$scratch/cwd" "$scratch/lib"
for name in list mine; do
	cp "$scratch/decoy.so" "$scratch/cwd/$name.so"
	cp "$scratch/decoy.so" "$scratch/cwd/$name"
	cp "$scratch/decoy.so" "$scratch/lib/$name.so"
	cp "$scratch/decoy.so" "$scratch/lib/$name"
done
cd "$scratch/cwd" || exit 1
saved=$LD_LIBRARY_PATH
LD_LIBRARY_PATH=$scratch/cwd:$scratch/lib:.:$LD_LIBRARY_PATH
with mine
refused 'a decoy in the working directory or LD_LIBRARY_PATH' "$TOKEEP_LIBDIR/mine.so"
with list
run tokeep -c "$conf" list
is 'the store that is installed is the one that is loaded' "$status" 0
LD_LIBRARY_PATH=$saved
cd "$scratch" || exit 1
ok 'no decoy was ever loaded' test ! -e "$marker"
with "$scratch/decoy.so"
tokeep -c "$conf" list >/dev/null
ok 'a decoy tells when it is' test -e "$marker"

#
# What it exports
#

for name in find_token find_token_by_id save_token delete_token get_tokens delete_tokens; do
	spoil "lacks-$name" -DLACKS=$name
	with "$scratch/lacks-$name.so"
	refused "without $name" "$scratch/lacks-$name.so: lacks tokeep_store_$name"
done
spoil lacks-abi -DLACKS=abi
with "$scratch/lacks-abi.so"
refused 'without a version' "$scratch/lacks-abi.so: lacks tokeep_store_abi" 'tokeep-store(3)'
spoil newer-major -DABI=0x20000
with "$scratch/newer-major.so"
refused 'made for interface 2.0' "$scratch/newer-major.so: made for interface 2.0, this tokeep has 1." 'upgrade tokeep'
spoil older-major -DABI=3
with "$scratch/older-major.so"
refused 'made for interface 0.3' "$scratch/older-major.so: made for interface 0.3" 'build the store again'
spoil newer-minor -DABI=0x1ffff
with "$scratch/newer-minor.so"
refused 'made for a newer minor' 'made for interface 1.65535' 'upgrade tokeep'
for pair in lock:unlock unlock:lock begin:commit commit:begin; do
	spoil "half-${pair%:*}" "-DEXTRA=${pair%:*}"
	with "$scratch/half-${pair%:*}.so"
	refused "${pair%:*} alone" "has tokeep_store_${pair%:*}, but lacks tokeep_store_${pair#*:}"
done
for scope in 0 9; do
	spoil "scope-$scope" "-DSCOPE=$scope"
	with "$scratch/scope-$scope.so"
	refused "scope $scope" "$scratch/scope-$scope.so: tokeep_store_scope is $scope"
done

#
# Its options
#

with "$scratch/sound.so" '' 'sound = {' '  level = "low";' '  levle = "high";' '};'
refused 'an option that nobody asked for' "$conf:5: sound.levle"
with "$scratch/sound.so" 'sound = { level = ( 1, 2 ); };'
refused 'an option that is no single value' "$conf:2: sound.level"
spoil refuses -DREFUSES
with "$scratch/refuses.so" 'refuses = {' '  level = "high";' '};'
refused 'a value that the store refuses' "$conf:3: refuses.level: high is not allowed here, low is"
with "$scratch/refuses.so" 'refuses = { level = "low"; };'
run tokeep -c "$conf" list
is 'a value that it takes is no matter' "$status" 0

#
# What its calls do
#

# fails STATUS SENTENCE PART...: of `show alice`, on the store that is selected
fails () {
	want=$1 sentence=$2
	shift 2
	run tokeep -c "$conf" show alice --reveal
	is "$sentence: exit $want" "$status" "$want"
	is "$sentence: nothing is shown" "$out" ''
	for part; do
		has "$sentence: says $part" "$err" "$part"
	done
}

for result in 7 1 -13 -99 -2147483647; do
	spoil "returns$result" "-DRESULT=($result)"
	with "$scratch/returns$result.so"
	fails 10 "a call that returns $result" "$scratch/returns$result.so" "returned $result, which is no result"
	spoil "open$result" "-DOPEN=($result)"
	with "$scratch/open$result.so"
	fails 10 "an open that returns $result" "tokeep_store_open returned $result"
done
spoil mute -DRESULT=TOKEEP_ESTORE
with "$scratch/mute.so"
fails 10 'a call that fails without a word' "$scratch/mute.so" 'failed without saying why'
run tokeep -c "$conf" list
is 'a mute list: exit 10' "$status" 10
run tokeep -c "$conf" delete 1
is 'a mute delete: exit 10' "$status" 10
run sh -c "echo '{\"user_name\":\"bob\",\"access_token\":\"a\"}' | tokeep -c '$conf' import"
is 'a mute save: exit 10' "$status" 10
spoil mute-open -DOPEN=TOKEEP_ESTORE
with "$scratch/mute-open.so"
fails 10 'an open that fails without a word' 'tokeep_store_open failed without saying why'
spoil says '-DSAYS="no way\033[31m\r\nstore: all is well"'
with "$scratch/says.so"
fails 10 'a message with control characters' 'no way?[31m??store: all is well'
spoil wrong -DWRONG
with "$scratch/wrong.so"
fails 4 "another one's token"
run tokeep -c "$conf" token alice
is "another one's token is not handed out" "$status:$out" '4:'
run tokeep -c "$conf" token --id 2
is 'nor is a token with another id' "$status:$out" '4:'
spoil nameless -DNAMELESS
with "$scratch/nameless.so"
fails 10 'a token without an id' 'gave a token without an id'
run tokeep -c "$conf" list
is 'a list of such: exit 10' "$status" 10
has 'a list of such: says so' "$err" 'gave a token without an id'
run sh -c "echo '{\"user_name\":\"bob\",\"access_token\":\"a\"}' | tokeep -c '$conf' import"
is 'a save that tells no id: exit 10' "$status" 10

#
# stores and check tell it without using it
#

with "$scratch/lacks-abi.so"
run tokeep -c "$conf" stores
has '`tokeep stores` says why a store is refused' "$out$err" 'lacks tokeep_store_abi'
run tokeep -c "$conf" check
is '`tokeep check` finds a refused store' "$status" 3
has 'and says why' "$out$err" 'lacks tokeep_store_abi'

finish
