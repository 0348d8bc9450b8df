# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# ktap.sh - how a gomem selftest reports. To be sourced:
#
#	. "$(dirname "$0")/ktap.sh"
#	ktap_header
#	ktap_plan 2
#	ktap_is "$(gomem_stat heap_objects)" 0 "no object is live"
#	ktap_skip "CPU 1 goes offline" "cannot be unplugged"
#	ktap_finish
#
# ktap_finish adds one more result: nothing of gomem's memory is left when all modules are
# unloaded. A test that leaves something says why, before ktap_plan:
#
#	ktap_leaves="a client leaks objects on purpose"
#
# Plain enough for busybox. Exit statuses are those of kselftest.

KTAP_PASS=0
KTAP_FAIL=1
KTAP_SKIP=4

ktap_passed=0
ktap_failed=0
ktap_skipped=0
ktap_planned=
gomem_stats=/sys/kernel/debug/gomem/stats

ktap_header()
{
	echo "KTAP version 1"
}

# ktap_plan N: that many results will follow, and that of ktap_finish, which holds us to it.
ktap_plan()
{
	ktap_planned=$1
	[ -n "${ktap_leaves:-}" ] || ktap_planned=$(($1 + 1))
	echo "1..$ktap_planned"
}

# ktap_diag TEXT: lines that explain the result before them.
ktap_diag()
{
	printf '%s\n' "$*" | sed 's/^/# /'
}

# The number of the next result, from those that were printed.
ktap_number()
{
	echo $((ktap_passed + ktap_failed + ktap_skipped + 1))
}

ktap_ok()
{
	echo "ok $(ktap_number) $1"
	ktap_passed=$((ktap_passed + 1))
}

ktap_not_ok()
{
	echo "not ok $(ktap_number) $1"
	ktap_failed=$((ktap_failed + 1))
}

# ktap_skip NAME [REASON]
ktap_skip()
{
	echo "ok $(ktap_number) $1 # SKIP${2:+ $2}"
	ktap_skipped=$((ktap_skipped + 1))
}

# ktap_skip_all REASON: ends a test that cannot run here, in place of a plan.
ktap_skip_all()
{
	echo "1..0 # SKIP $1"
	exit $KTAP_SKIP
}

# ktap_is GOT WANT NAME
ktap_is()
{
	if [ "$1" = "$2" ]; then
		ktap_ok "$3"
	else
		ktap_not_ok "$3"
		ktap_diag "got:  $1"
		ktap_diag "want: $2"
	fi
}

# Prints the modules that use gomem.
ktap_clients()
{
	awk '$1 == "gomem" && $4 != "-" { gsub(",", " ", $4); print $4 }' /proc/modules
}

# Unloads all of gomem's modules that are loaded, and prints what is wrong: a module that
# stays, or what gomem says of memory that did not come back, now or earlier in the log.
ktap_leftover()
{
	# A client's clients first: as often as there may be levels.
	for _ in 1 2 3; do
		for ktap_client in $(ktap_clients); do
			rmmod "$ktap_client" 2>/dev/null
		done
	done
	[ ! -d /sys/module/gomem ] || rmmod gomem 2>&1
	dmesg | grep '] gomem: ' | awk '
		/leaked|never freed|never destroyed/ { print; lost = 1 }
		{ last = $0 }
		END {
			if (last && last !~ /unloaded: every object and page came back/ && !lost)
				print "the last words: " last
		}'
}

# Ends the test. A test that ran nothing, or not what it planned, has failed.
ktap_finish()
{
	[ -n "${ktap_leaves:-}" ] || ktap_is "$(ktap_leftover | head -n 20)" "" "nothing is left"
	ktap_ran=$((ktap_passed + ktap_failed + ktap_skipped))
	if [ "$ktap_ran" -ne "${ktap_planned:-$ktap_ran}" ]; then
		ktap_diag "planned $ktap_planned, ran $ktap_ran"
		ktap_failed=$((ktap_failed + 1))
	fi
	echo "# $ktap_passed passed, $ktap_failed failed, $ktap_skipped skipped"

	[ "$ktap_failed" -eq 0 ] || exit $KTAP_FAIL
	[ "$ktap_passed" -eq 0 ] || exit $KTAP_PASS
	[ "$ktap_skipped" -eq 0 ] || exit $KTAP_SKIP
	exit $KTAP_FAIL
}

# ktap_true NAME COMMAND...: ok if the command succeeds.
ktap_true()
{
	name=$1
	shift
	"$@"
	ktap_is $? 0 "$name"
}

# gomem_stat KEY: its value, from a file of "key: value" lines. Prints nothing
# and fails if there is no such key.
gomem_stat()
{
	awk -v key="$1:" '
		$1 == key { sub(/^[^ \t]*[ \t]*/, ""); print; found = 1; exit }
		END { exit !found }' "$gomem_stats"
}

# scaled N: how much of N to do of what takes long. A run in a batch (see batch) does a
# fourth if KTAP_QUICK is set, and a debug kernel, which is six times as slow, a sixth.
scaled()
{
	scaled_n=$1
	[ -z "${KTAP_QUICK:-}" ] || scaled_n=$((scaled_n / 4))
	! debug_kernel || scaled_n=$((scaled_n / 6))
	echo $((scaled_n > 0 ? scaled_n : 1))
}

# Whether every byte takes a lot of work here, and memory is kept back after it
# was freed.
debug_kernel()
{
	[ -e /sys/kernel/debug/kmemleak ] || grep -q ' kasan_' /proc/kallsyms
}
