#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# kmemleak.sh - kmemleak knows gomem's objects: what nobody points to is reported, with the
# stack that allocated it. It looks for pointers in objects and arenas, but not in noscan
# objects, nor in what was freed.

# shellcheck source=tests/kselftest/ktap.sh
. "$(dirname "$0")/ktap.sh"
# shellcheck source=scripts/lib/reports.sh
. /lib/gomem/reports.sh

file=/sys/kernel/debug/kmemleak

# size of the object, function that lost it
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

# report SIZE FUNCTION: is there an object of that size, allocated by that function?
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

# An object is reported when it is five seconds old and a second scan finds it as the first
# did. A number that looks like a pointer may hide it for a while: some tries.
scan()
{
	sleep 6
	for try in 1 2 3 4; do
		echo scan >$file
		[ "$try" = 1 ] || ! all_lost_reported || return
	done
}

[ -e $file ] || ktap_skip_all "the kernel has no kmemleak"
echo scan=off 2>/dev/null >$file || ktap_skip_all "kmemleak is off"
ktap_header
ktap_plan 14
# That there are new leaks is not for the console here.
dmesg -n 1
insmod gomem.ko || exit 1
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
[ "$ktap_failed" = 0 ] || ktap_diag "$(cat $file; dmesg | grep -A 12 kmemleak:)"

# All of it is freed now, and nothing is to be found any more.
rmmod gomem_leak
ktap_is "$(grep -c gomem_leak $file)" 0 "what was freed is not reported any more"
rmmod gomem
ktap_is "$(dmesg | grep -v 'kmemleak: ' | first_report)" "" "the kernel reported nothing else"
dmesg -n 7
ktap_finish
