#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# test_command_arguments.sh: what the command is asked for, what it refuses, and that it repeats no secret.
. "${srcdir:-$(dirname "$0")}/lib.sh"

echo 'store = "list";' >"$XDG_CONFIG_HOME/tokeep.conf"
TOKEEP_CONFIG=$XDG_CONFIG_HOME/tokeep.conf
export TOKEEP_CONFIG

class () { printf '%s' "$err" | python3 -c "import json, sys; print(json.load(sys.stdin)['error']['class'])" 2>&1; }

verbs=$(tokeep --help | sed -n 's/^  \([a-z]*\) .*/\1/p')
has 'the help names the verbs' "$(echo $verbs)" 'login token refresh exec api list show find delete revoke clear export import migrate'
for verb in $verbs; do
	run tokeep "$verb" --help
	is "$verb --help: on standard output, exit 0" "$status:$err" 0:
	has "$verb --help begins with the usage" "$out" "Usage: tokeep $verb"
	is "$verb --help fits a screen" "$(printf '%s\n' "$out" | awk 'length > 79 || NR > 24' | wc -l | tr -d ' ')" 0
	is "tokeep help $verb is the same" "$(tokeep help "$verb")" "$out"
	is "$verb --help has its texts in one column" "$(printf '%s\n' "$out" |
		awk '/^  -/ && match($0, /[^ ]  +[^ ]/) { print RSTART + RLENGTH - 1 }' | sort -u)" 25
	has "$verb takes --json" "$out" '--json'
done
is 'the help fits a screen' "$(tokeep --help | awk 'length > 79 || NR > 24' | wc -l | tr -d ' ')" 0
is 'tokeep help is the same' "$(tokeep help)" "$(tokeep --help)"
is 'help wins over what else is wrong' "$(tokeep token --help --bogus 2>&1)" "$(tokeep help token)"

# refused NAME ARGUMENT...: a usage error, as text and as JSON, with nothing on standard output.
refused () {
	name=$1
	shift
	run tokeep "$@"
	is "$name: exit 2" "$status:$out" 2:
	is "$name: one line says so" "$(printf '%s\n' "$err" | grep -c '^tokeep: ')/$(printf '%s\n' "$err" | wc -l | tr -d ' ')" 1/1
	case $err in *CANARY*) is "$name: without repeating a value" "$err" '' ;; esac
	run tokeep --json "$@"
	is "$name: also as JSON" "$status:$(class):$out" 2:usage:
}
exec </dev/null
refused 'no verb'
refused 'an unknown verb' frobnicate
refused 'help on an unknown verb' help frobnicate
refused 'an unknown option before the verb' --frobnicate=CANARY token
refused 'an unknown option behind it' token --frobnicate=CANARY
refused 'an unknown letter' token -x
refused 'an option of another verb' list --min-ttl 3
refused 'an option without its argument' token --id
refused 'a flag with an argument' list --reveal=CANARY
refused 'an argument too many' token alice@example.com CANARY
refused 'an argument too few' delete
refused 'an empty argument' token ''
refused 'an empty client' token --client ''
refused 'an empty id' token --id ''
refused 'seconds that are none' token --min-ttl 5m
refused 'negative seconds' token --min-ttl -5
refused 'seconds beyond measure' token --min-ttl 99999999999999999999
refused 'two forms of output' token --header --env
refused 'a user and an id' token alice@example.com --id 1
refused 'a user and all' refresh alice@example.com --all
refused 'a refresh token among the arguments' login --refresh-token CANARY
refused 'the same behind =' login --refresh-token=CANARY
refused 'an access token among the arguments' find --access-token CANARY
refused 'standard input for two' find --access-token - --refresh-token -
has 'it can be read once' "$err" 'standard input can be read only once'
refused 'standard input twice for one' find --access-token - --access-token -
has 'here, too' "$err" 'standard input can be read only once'
refused 'two forms of login' login --code CANARY --refresh-token -
refused 'a login in the browser with a code' login --port 1 --code CANARY
refused 'a login at no port' login --port 65536
refused 'a login with an empty code' login --code -
refused 'a store into itself' migrate list list
refused 'a store whose tokens would be gone' migrate list memory
refused 'a file that is not there' import "$scratch/nothing"

run tokeep login
is 'a login without a client: exit 3' "$status" 3
has 'with the lines to add' "$err" 'no client is configured; add: clients = {'
run tokeep -c "$scratch/nothing" list
is 'a config that is not there: exit 3' "$status" 3
has 'by its name' "$err" "$scratch/nothing"
run tokeep list -c "$scratch/nothing" --json
is 'the same as JSON' "$status:$(class)" 3:config
run tokeep --list
is 'what is asked for is a word' "$status" 2

printf 'CANARY\nCANARY\n' >"$scratch/in"
tokeep login --refresh-token - <"$scratch/in" >"$scratch/said" 2>&1
is 'a secret of two lines is refused' "$?:$(grep -c CANARY "$scratch/said")" 2:0
printf 'CAN\000ARY' >"$scratch/in"
tokeep login --refresh-token - <"$scratch/in" >"$scratch/said" 2>&1
is 'one with a NUL, too' "$?:$(grep -c ARY "$scratch/said")" 2:0
head -c 65537 /dev/zero | tr '\0' x >"$scratch/in"
tokeep login --refresh-token - <"$scratch/in" >"$scratch/said" 2>&1
is 'one longer than any value, too' "$?:$(grep -c xxx "$scratch/said")" 2:0
head -c 65536 /dev/zero | tr '\0' x >"$scratch/in"
tokeep find --refresh-token - <"$scratch/in" >"$scratch/said" 2>&1
is 'the longest value is looked for' $? 4
finish
