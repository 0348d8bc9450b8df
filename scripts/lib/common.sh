# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Functions of the scripts in the directory above.

# Let a failure inside of $(...) end the script, too.
shopt -s inherit_errexit

# A make that runs a script does not share its jobs with the make that the script
# runs: the latter would warn, and run one compiler at a time.
[[ -z ${MAKELEVEL:-} ]] || unset MAKEFLAGS MFLAGS MAKELEVEL

# shellcheck disable=SC2034
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
me=${0##*/}
# shellcheck disable=SC2034
cache=${GOMEM_CACHE:-${XDG_CACHE_HOME:-${HOME:?}/.cache}/gomem}

say()
{
	echo "$me: $*" >&2
}

# Print an error and exit. A script that otherwise exits with the status of
# another program sets die_status, so that its own errors can be told from those
# of the program.
die()
{
	say "error: $*"
	exit "${die_status:-1}"
}

# check_path PATH TEXT: end the script with TEXT if PATH has a character that make
# and the shell treat specially. The Makefile has the same list, UNFIT.
check_path()
{
	local unfit=$' \t\n:;,=%&|<>()[*?\'"`\\$#'

	[[ $1 != *[]"$unfit"]* ]] || die "$2: use a path of letters, digits and ._+@~-"
}

check_path "$top" "gomem cannot be built in \"$top\""

have()
{
	command -v "$1" >/dev/null 2>&1
}

# require PURPOSE PROGRAM...: end the script if a program is missing that
# "scripts/setup PURPOSE" installs.
require()
{
	local purpose=$1 program

	shift
	for program; do
		have "$program" || die "$program is missing; run: scripts/setup $purpose"
	done
}

# Print a script's help text: the comment block below its SPDX line.
show_help()
{
	sed -n '4,/^$/s/^# \{0,1\}//p' "$0"
}

# locked FILE COMMAND...: wait for the lock FILE, and run COMMAND in a subshell
# that holds it. COMMAND's children do not inherit the lock.
locked()
{
	local lock=$1

	shift
	mkdir -p "${lock%/*}"
	(
		if ! flock -n 9; then
			say "waiting for another process that holds $lock"
			flock 9
		fi
		"$@" 9>&-
	) 9>"$lock"
}

# show_progress PID SECONDS COMMAND...: while PID runs, print the output of
# COMMAND every SECONDS.
show_progress()
{
	local pid=$1 every=$2 next

	shift 2
	next=$((SECONDS + every))
	while kill -0 "$pid" 2>/dev/null; do
		sleep 0.2
		((SECONDS >= next)) || continue
		next=$((SECONDS + every))
		say "$("$@")"
	done
}
