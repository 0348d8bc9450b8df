# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Count the KTAP results of jobs, and run a test that failed a second time.
#
# Tests whose figures have a bound, or that need most of a machine's memory, may
# fail by chance: the order of events in a machine is never the same. So a test
# that failed runs once more, in a machine of its own. If it passes then, it
# passed. The end of the run lists it as unstable, with its first result. Some
# failures count at once, because a fault that shows itself rarely is still a
# fault:
#
#   - the kernel reported an error, panicked or hung, other than by the emulator's
#     fault (is_emulator_race)
#   - the result says that memory is damaged or lost (damage_words)
#   - no machine took part, or the job's machines have to fail: style, types,
#     builds, and the jobs "runner" and "provoke" of scripts/runtests. These jobs
#     end with plain_ended
#
# The including script also includes jobs.sh and reports.sh.

passed=0
failed=0
skipped=0

# The worst verdict of each test: cell[TEST:KERNEL] is ok, skip or FAIL.
declare -A cell=()

# Jobs and tests that have run twice, by name, and what the first run said.
declare -A tried=()
unstable=()

# With second_tries=0, each failure counts at once.
second_tries=1

# A result whose name has one of these words is about damaged or lost memory.
readonly damage_words='sound|damage|corrupt|nothing.* lost|nothing.* reported|reported nothing'

# The exit statuses of scripts/vm run after a hang, a panic and a report.
readonly grave_statuses=' 124 250 251 '

# result LINE [TEST KERNEL]: count and print a KTAP line, and note it for the
# table.
result()
{
	local verdict=

	echo "$1"
	case $1 in
	"ok "*"# SKIP"*) skipped=$((skipped + 1)) verdict=skip ;;
	"ok "*) passed=$((passed + 1)) verdict=ok ;;
	"not ok "*) failed=$((failed + 1)) verdict=FAIL ;;
	esac
	(($# < 3)) || note_verdict "$2" "$3" $verdict
}

# note_verdict TEST KERNEL VERDICT: note the worst result of a test. The test
# counts as skipped only if all its results are skipped.
note_verdict()
{
	local key=$1:$2

	case ${cell[$key]:-skip}:$3 in
	skip:* | ok:FAIL) cell[$key]=$3 ;;
	esac
}

# results_of NAME TEST KERNEL: read KTAP lines and count them as results, with
# NAME before each. Set results if there was a result, and failures if one
# failed. Print the lines that explain a failure, too.
results_of()
{
	local line show=0

	results=0 failures=0
	while IFS= read -r line; do
		case $line in
		"1..0 # SKIP"*)
			result "ok $1 # SKIP ${line#*SKIP }" "$2" "$3"
			results=1
			;;
		"ok "* | "not ok "*)
			[[ $line =~ ^((not )?ok)\ ([0-9]+\ )?(-\ )?(.*)$ ]]
			result "${BASH_REMATCH[1]} $1: ${BASH_REMATCH[5]}" "$2" "$3"
			results=1 show=0
			[[ $line != "not ok "* ]] || failures=1 show=1
			;;
		"#"* | "    "*) ((!show)) || echo "$line" ;;
		esac
	done
}

show_log()
{
	local cause='invoked oom-killer|Kernel panic|\[ cut here \]|BUG: '

	if grep -q -E "$cause" "$1.err"; then
		echo "# the kernel's first message about it in $1.err:"
		grep -m 1 -A 25 -E "$cause" "$1.err" | sed 's/^/# /'
	fi
	echo "# the end of $1.err:"
	tail -n 40 "$1.err" | sed 's/^/# /'
}

# failed_in OUTPUT STATUS: did a job fail? Status 4 means that all was skipped.
failed_in()
{
	! grep -q '^not ok ' "$1" && [[ $2 == 0 || $2 == 4 ]] && return 1
	return 0
}

# is_emulator_race ERRORS: did the machine with this console die by a fault of
# QEMU? While one emulated CPU changes code, as static keys do, another CPU may
# just translate it. QEMU 7.2 then keeps the translation of the breakpoint, which
# the kernel had there for some microseconds. So a test that died this way runs
# again with CPUs that take turns in one thread, where this cannot happen, and
# that run counts.
is_emulator_race()
{
	[[ ${GOMEM_ACCEL:-} != single ]] && grep -qE '\] (Oops: )?int3: 0000 ' "$1"
}

# may_retry NAME OUTPUT STATUS ERRORS: the job or test NAME failed. May it run
# again? OUTPUT is the file with its KTAP lines, ERRORS the one with the console.
may_retry()
{
	((second_tries)) && [[ -z ${tried[$1]:-} ]] || return 1
	! grep -q -E "^not ok .*($damage_words)" "$2" || return 1
	is_emulator_race "$4" ||
		[[ $grave_statuses != *" $3 "* && -z $(first_report <"$4") ]]
}

# retry NAME OUTPUT LOG STATUS: note and show the first failure of NAME. Keep the
# log: the second run of a job has a log of the same name.
retry()
{
	local first

	first=$(grep -m 1 '^not ok ' "$2" || echo "ended with status $4")
	tried[$1]=$first
	cp "$3" "$3.first"
	cp "$3.err" "$3.err.first"
	echo "# $1: once more, since this failed, see $3.first: $first"
	grep -A 8 '^not ok ' "$2" | sed 's/^/#   /' || true
	show_log "$3"
}

# passed_now NAME: NAME has passed. If this was its second run, note it as
# unstable.
passed_now()
{
	[[ -z ${tried[$1]:-} ]] || unstable+=("$1: ${tried[$1]}")
}

# plain_ended NAME LOG STATUS: add the results of a job. A job that failed
# without a failed result, or that has no results, counts as a failure of its
# own.
plain_ended()
{
	local name=$1 log=$2 status=$3 results=0 failures=0

	results_of "$name" "${name%%:*}" "${name#*:}" <"$log"
	[[ $status != 4 || $results == 0 ]] || status=0
	[[ $status != 0 && $failures == 0 || $results == 0 ]] || return 0
	result "not ok $name: ended with status $status, see $log" "${name%%:*}" "${name#*:}"
	show_log "$log"
}

# machine_ended NAME LOG STATUS: add the results of a job that runs machines. If
# it failed, it may run a second time.
machine_ended()
{
	if ! failed_in "$2" "$3"; then
		passed_now "$1"
	elif may_retry "$1" "$2" "$3" "$2.err"; then
		retry "$1" "$2" "$2" "$3"
		job_again "$1" "$(! is_emulator_race "$2.err" || echo GOMEM_ACCEL=single)"
		return
	fi
	plain_ended "$@"
}

print_unstable()
{
	((${#unstable[@]})) || return 0
	echo "#"
	echo "# unstable: failed once, and passed in a second try"
	printf '#   %s\n' "${unstable[@]}"
}
