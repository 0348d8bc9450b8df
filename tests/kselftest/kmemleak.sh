#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# kmemleak.sh - kmemleak knows gomem's objects. It reports an object that no
# pointer refers to, with the stack of its allocation. It scans objects and
# arenas for pointers, but neither noscan objects nor freed memory.
#
# machine: --cpus=1
# make check: not on an older kernel

# shellcheck source=tests/kselftest/ktap.sh
. "$(dirname "$0")/ktap.sh"
# shellcheck source=scripts/lib/reports.sh
. /lib/gomem/reports.sh

file=/sys/kernel/debug/kmemleak

# Objects that kmemleak has to report: the size, and the function that lost the
# object.
LOST="112:lost_plain
416:lost_noscan
106496:lost_large
208:in_noscan
288:in_large_noscan
448:in_destroyed_arena
480:in_free_object"

REACHED="240:in_object
320:in_large
139264:large_in_object
352:in_arena"

# reported SIZE FUNCTION: succeeds if kmemleak reports an object of this size
# that this function allocated.
reported()
{
	awk -v size="(size $1):" -v by=" $2[+.].*\\\\[gomem_leak\\\\]" '
		/^unreferenced object/ { ours = index($0, size) }
		ours && $0 ~ by { found = 1 }
		END { exit !found }' $file
}

all_lost_reported()
{
	for pair in $LOST; do
		reported "${pair%:*}" "${pair#*:}" || return 1
	done
}

# kmemleak reports an object that is five seconds old and unreferenced in two
# scans. A number that looks like a pointer may hide it for a while, so scan
# several times.
scan()
{
	sleep 6
	for try in 1 2 3 4; do
		echo scan >$file
		[ "$try" = 1 ] || ! all_lost_reported || return
	done
}

[ -e $file ] || skip_test "the kernel has no kmemleak"
echo scan=off 2>/dev/null >$file || skip_test "kmemleak is off"
ktap_print_header
ktap_set_plan 15
# Keep the message about new leaks off the console.
dmesg -n 1
need_insmod gomem.ko
insmod gomem_leak.ko
ktap_is $? 0 "a client loses objects"
scan
for pair in $LOST; do
	reported "${pair%:*}" "${pair#*:}"
	ktap_is $? 0 "reported, with its stack: ${pair#*:}"
done
for pair in $REACHED; do
	! reported "${pair%:*}" "${pair#*:}"
	ktap_is $? 0 "not reported: ${pair#*:}"
done
[ "$KTAP_CNT_FAIL" = 0 ] || ktap_print_msg "$(cat $file; dmesg | grep -A 12 kmemleak:)"

# Everything is freed, so kmemleak must not report anything.
rmmod gomem_leak
ktap_is "$(grep -c gomem_leak $file)" 0 "what was freed is not reported any more"
rmmod gomem
ktap_is "$(log_whole && dmesg | grep -v 'kmemleak: ' | first_report)" "" "the kernel reported nothing else"
dmesg -n 7
gomem_finished
