# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# ktap.sh - report the results of a self-test in KTAP. To be sourced:
#
#	. "$(dirname "$0")/ktap.sh"
#	ktap_print_header
#	ktap_set_plan 3
#	need_insmod gomem.ko
#	ktap_is "$(gomem_stat heap_objects)" 0 "no object is live"
#	ktap_test_skip "CPU 1 goes offline" "cannot be unplugged"
#	gomem_finished
#
# The first part has the functions of the kernel's ktap_helpers.sh, in
# tools/testing/selftests/kselftest. Names, output and exit statuses are the
# same, so a test can be moved to the kernel's tree. The second part has further
# functions for gomem's tests.
#
# This file works in busybox sh.

# --- Functions of the kernel's ktap_helpers.sh -------------------------------

KTAP_TESTNO=1
KTAP_CNT_PASS=0
KTAP_CNT_FAIL=0
KTAP_CNT_XFAIL=0
KTAP_CNT_SKIP=0

KSFT_PASS=0
KSFT_FAIL=1
KSFT_SKIP=4

KSFT_NUM_TESTS=0

ktap_print_header()
{
	echo "TAP version 13"
}

# ktap_print_msg TEXT: print lines that explain the preceding result.
ktap_print_msg()
{
	printf '%s\n' "$*" | sed 's/^/# /'
}

# ktap_set_plan N: announce N results.
ktap_set_plan()
{
	KSFT_NUM_TESTS=$1
	echo "1..$KSFT_NUM_TESTS"
}

# ktap_skip_all REASON: print that no result follows, instead of a plan. The
# caller has to exit with $KSFT_SKIP, as skip_test does.
ktap_skip_all()
{
	echo "1..0 # SKIP $*"
}

# ktap_result WORD NAME [DIRECTIVE]: print a result line. WORD is "ok" or "not
# ok".
ktap_result()
{
	echo "$1 $KTAP_TESTNO $2${3:+ # $3}"
	KTAP_TESTNO=$((KTAP_TESTNO + 1))
}

ktap_test_pass()
{
	ktap_result ok "$1"
	KTAP_CNT_PASS=$((KTAP_CNT_PASS + 1))
}

# ktap_test_skip NAME [REASON]: print that a check was skipped.
ktap_test_skip()
{
	ktap_result ok "$1" "SKIP${2:+ $2}"
	KTAP_CNT_SKIP=$((KTAP_CNT_SKIP + 1))
}

# ktap_test_xfail NAME: print that a check failed, as expected.
ktap_test_xfail()
{
	ktap_result ok "$1" XFAIL
	KTAP_CNT_XFAIL=$((KTAP_CNT_XFAIL + 1))
}

ktap_test_fail()
{
	ktap_result "not ok" "$1"
	KTAP_CNT_FAIL=$((KTAP_CNT_FAIL + 1))
}

# ktap_test_result NAME COMMAND...: pass if the command succeeds.
ktap_test_result()
{
	ktap_name=$1
	shift
	if "$@"; then
		ktap_test_pass "$ktap_name"
	else
		ktap_test_fail "$ktap_name"
	fi
}

# ktap_exit_fail_msg REASON: end a test that cannot continue.
ktap_exit_fail_msg()
{
	echo "Bail out!  $*"
	ktap_print_totals
	ktap_ended=1
	exit $KSFT_FAIL
}

# End the test. It fails if one of its results did, if it has no result, or if
# it has more or fewer results than planned.
ktap_finished()
{
	ktap_run=$((KTAP_TESTNO - 1))
	[ $ktap_run = "$KSFT_NUM_TESTS" ] ||
		ktap_print_msg "Planned tests != run tests ($KSFT_NUM_TESTS != $ktap_run)"
	ktap_print_totals
	ktap_ended=1
	[ $ktap_run != 0 ] && [ $ktap_run = "$KSFT_NUM_TESTS" ] &&
		[ $KTAP_CNT_FAIL = 0 ] && exit $KSFT_PASS
	exit $KSFT_FAIL
}

ktap_print_totals()
{
	[ $KTAP_CNT_SKIP = 0 ] ||
		echo "# $KTAP_CNT_SKIP skipped test(s) detected. " \
			"Consider enabling relevant config options to improve coverage."
	echo "# Totals: pass:$KTAP_CNT_PASS fail:$KTAP_CNT_FAIL xfail:$KTAP_CNT_XFAIL" \
		"xpass:0 skip:$KTAP_CNT_SKIP error:0"
}

# --- Functions for gomem's tests only ----------------------------------------

gomem_stats=/sys/kernel/debug/gomem/stats
# The file through which a test writes to the kernel's log. tests/rig/ktap sets
# another file.
ktap_kmsg=${KTAP_KMSG:-/dev/kmsg}

# ktap_is GOT WANT NAME: pass if GOT and WANT are the same string.
ktap_is()
{
	if [ "$1" = "$2" ]; then
		ktap_test_pass "$3"
	else
		ktap_test_fail "$3"
		ktap_print_msg "got:  $1"
		ktap_print_msg "want: $2"
	fi
}

# skip_test REASON: end a test that cannot run here. Call this before
# ktap_set_plan.
skip_test()
{
	ktap_skip_all "$1"
	ktap_ended=1
	exit $KSFT_SKIP
}

# ktap_at_exit STATUS [COMMAND...]: the script ends with STATUS. Run COMMAND. Fail
# if the script has a plan and has not ended the test, and unload gomem, so that
# later tests can load it. Also fail if STATUS is 2, without a plan: dash exits with
# it after an error in the script, and it would count as an expected failure. Other
# scripts that use these functions have no plan. A test that sets its own trap has
# to call this function there.
ktap_at_exit()
{
	ktap_status=$1
	shift
	"$@"
	[ -z "$ktap_ended" ] || return 0
	[ $KSFT_NUM_TESTS != 0 ] || [ "$ktap_status" = 2 ] || return 0
	gomem_leftover >/dev/null
	ktap_exit_fail_msg "the script ended early"
}
ktap_ended=
trap 'ktap_at_exit $?' EXIT

# The directory of the test and its helpers.
ktap_dir=$(cd "$(dirname "$0")" && pwd)

# module_file NAME.ko: print the file of a module. In gomem's test machines all
# modules are in the current directory. In the kernel's tree test modules are
# in test_modules, and gomem is where it was built.
module_file()
{
	for module_path in "$1" "$ktap_dir/test_modules/$1" "$ktap_dir/../../../../mm/gomem/$1"; do
		[ ! -e "$module_path" ] || break
	done
	echo "$module_path"
}

# insmod FILE [PARAMETER]...: load a module from the file that module_file
# finds. If there is no such file, load the installed module.
insmod()
{
	insmod_file=$(module_file "$1")
	insmod_name=${1%.ko}
	shift
	if [ -e "$insmod_file" ]; then
		command insmod "$insmod_file" "$@"
	else
		modprobe "$insmod_name" "$@"
	fi
}

# need_insmod FILE [PARAMETER]...: load a module, or end the test. If gomem is
# built into the kernel, it cannot be loaded, and the test is skipped.
need_insmod()
{
	[ "$1" != gomem.ko ] || [ ! -e /sys/module/gomem ] || grep -q '^gomem ' /proc/modules ||
		skip_test "gomem is built into the kernel"
	insmod "$@" || ktap_exit_fail_msg "$1 cannot be loaded"
}

# log_whole: can the kernel's log be read? Write a line to the log, and look for
# it. If the log cannot be read, a message that is missing there proves nothing.
log_whole()
{
	log_mark="ktap: mark $$, uptime $(cut -d' ' -f1 /proc/uptime)"
	echo "<6>$log_mark" 2>/dev/null >>"$ktap_kmsg"
	dmesg 2>/dev/null | grep -qF "$log_mark" && return
	echo "the kernel's log cannot be read"
	return 1
}

# ktap_log_lacks PATTERN NAME: pass if the log can be read and no line matches.
ktap_log_lacks()
{
	ktap_is "$(log_whole && dmesg | grep -E -e "$1" | head -n 20)" "" "$2"
}

# Print the modules that use gomem.
gomem_clients()
{
	awk '$1 == "gomem" && $4 != "-" { gsub(",", " ", $4); print $4 }' /proc/modules
}

# Unload gomem and all its clients. Print what is wrong: a module that cannot be
# unloaded, or a message in the log that memory did not come back. The message
# may also be from an earlier unload.
gomem_leftover()
{
	# A module can be unloaded only after its users, so try three times:
	# there may be three levels of users.
	for _ in 1 2 3; do
		for gomem_client in $(gomem_clients); do
			rmmod "$gomem_client" 2>/dev/null
		done
	done
	[ ! -d /sys/module/gomem ] || rmmod gomem 2>&1
	log_whole || return
	dmesg | grep '] gomem: ' | awk '
		/leaked|never freed|never destroyed/ { print; lost = 1 }
		{ last = $0 }
		END {
			if (last && last !~ /unloaded: every object and page came back/ && !lost)
				print "the last words: " last
		}'
}

# Pass if the log says that gomem was unloaded with nothing missing.
gomem_came_back()
{
	dmesg | grep -q 'gomem: unloaded: every object and page came back'
	ktap_is $? 0 "every object and page came back"
}

# End the test with one more result: all modules can be unloaded, and all of
# gomem's memory came back. Only a test that leaks memory on purpose calls
# ktap_finished instead.
gomem_finished()
{
	ktap_is "$(gomem_leftover | head -n 20)" "" "nothing is left"
	ktap_finished
}

# gomem_stat KEY: print the value of a key in gomem's stats. Fail and print
# nothing if there is no such key.
gomem_stat()
{
	awk -v key="$1:" '
		$1 == key { sub(/^[^ \t]*[ \t]*/, ""); print; found = 1; exit }
		END { exit !found }' "$gomem_stats"
}

# Bits of the kernel's taint: a bad page (32), a warning (512).
ktap_taint=$(($(cat /proc/sys/kernel/tainted 2>/dev/null || echo 0) & (32 | 512)))

# gomem_check: check the heap, and print the verdict. If the kernel has printed a
# warning, the verdict says that a kfree() may be the reason. Leave that out if the
# warning is from before this test: kfree.sh provokes some.
gomem_check()
{
	(echo 1 >/sys/kernel/debug/gomem/check) 2>/dev/null
	if [ $ktap_taint = 0 ]; then
		cat /sys/kernel/debug/gomem/check
	else
		grep -v '^the kernel has printed a warning, perhaps about a kfree()' \
			/sys/kernel/debug/gomem/check
	fi
}

# write_error TEXT FILE: write a line to a file, and print the error. Not each echo
# tells which error it was: that of dash always says "I/O error".
write_error()
{
	{ echo "$1" | cat >"$2"; } 2>&1 | sed 's/.*: //'
}

# add_hex ADDRESS N: print ADDRESS + N, where ADDRESS is 0x and 16 digits. The
# addresses are too large for the arithmetic of dash, so add in two parts.
add_hex()
{
	high=${1%????????}
	low=$((0x${1#"$high"} + $2))
	printf '0x%08x%08x\n' $((high + (low >> 32))) $((low & 0xffffffff))
}

# scaled N: print how many of N rounds or items to do, so that they do not take too
# long. With KTAP_QUICK set, that is a fourth of N. On a debug kernel, which is six
# times as slow, it is a sixth of that. It is at least 1.
scaled()
{
	scaled_n=$1
	[ -z "${KTAP_QUICK:-}" ] || scaled_n=$((scaled_n / 4))
	! debug_kernel || scaled_n=$((scaled_n / 6))
	echo $((scaled_n > 0 ? scaled_n : 1))
}

# Is this kernel User-Mode Linux?
user_mode_linux()
{
	grep -q 'User Mode Linux' /proc/cpuinfo
}

# Is this a debug kernel, with kmemleak or KASAN? It is slow, and KASAN keeps
# freed memory for a while.
debug_kernel()
{
	[ -e /sys/kernel/debug/kmemleak ] || grep -q ' kasan_' /proc/kallsyms
}
