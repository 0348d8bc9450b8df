#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# chaos.sh - everything at once, on two nodes. Tasks and interrupts allocate.
# Memory is filled with objects, freed, and taken by a hog: a thread that takes
# pages from the kernel. CPUs go offline and come back, and epochs are short.
# Scripts make gomem give back all free memory again and again, and read and
# write all of gomem's files. At the end nothing is lost, and the kernel has
# reported no error.
#
# machine: --numa=2 --cpus=4 --memory=1G
# make check: not on an older kernel

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/kselftest/ktap.sh
. "$here/ktap.sh"
# shellcheck source=tests/kselftest/fill.lib
. "$here/fill.lib"

# Each loop completes at least one round, however slow the machine is.
seconds=${CHAOS_SECONDS:-20}
[ -z "${KTAP_QUICK:-}" ] || seconds=$((seconds / 2))
[ -z "${KTAP_QUICK:-}" ] || ! debug_kernel || seconds=$((seconds / 2))
work=$(mktemp -d /tmp/chaos.XXXXXX) || exit

# Percent of memory that the objects and the hog take. Both fit into memory
# together, but not with the pages of objects that were freed before: gomem has
# to give these back. On the debug kernel a round of the full size would take
# too long.
if debug_kernel; then
	fill=15
	hog=80
else
	fill=40
	hog=60
fi

# running: true until the file "stop" exists, which ends the loops below.
running()
{
	[ ! -e "$work/stop" ]
}

# count NAME: record one more round of NAME.
count()
{
	echo >>"$work/$1"
}

rounds()
{
	touch "$work/$1"
	wc -l <"$work/$1"
}

# Fill memory and free it, with different CPUs and nodes. A command may fail,
# since the CPU may be offline or memory short. gomem_fill verifies each object
# that it frees.
fill_loop()
{
	while running; do
		for where in "-1 -1" "1 -1" "-1 1" "2 0"; do
			running || break
			fill_set cpu "${where% *}"
			fill_set node "${where#* }"
			fill_cmd fill "$fill"
			fill_cmd free half random
			fill_cmd free all other
			fill_cmd hog start "$hog"
			fill_cmd fill $((fill / 3))
			fill_cmd free all lifo
			fill_cmd hog stop
			count fill
		done
	done
}

hotplug_loop()
{
	while running; do
		for cpu in $(seq 1 $((cpus - 1))); do
			online=/sys/devices/system/cpu/cpu$cpu/online
			echo 0 2>/dev/null >"$online"
			echo 1 2>/dev/null >"$online" && count hotplug
		done
	done
}

scavenge_loop()
{
	while running; do
		(echo 1 >$gomem_dir/scavenge) 2>/dev/null && count scavenge
		sleep 0.05
	done
}

read_loop()
{
	while running; do
		for file in stats nodes map classes scavenge check; do
			[ ! -e $gomem_dir/$file ] || cat $gomem_dir/$file >"$work/last-$file" ||
				count unreadable
		done
		count read
	done
}

# Write garbage to the files. The file "accepted" lists what gomem did not
# refuse.
garbage_loop()
{
	while running; do
		for garbage in banana '' 17 0 -1 1x 99999999999999999999; do
			for file in scavenge check; do
				[ -e $gomem_dir/$file ] || continue
				(echo "$garbage" >$gomem_dir/$file) 2>/dev/null &&
					echo "$file: $garbage" >>"$work/accepted"
			done
		done
		count garbage
		sleep 0.02
	done
}

cpus=$(grep -c '^processor' /proc/cpuinfo)
[ "$cpus" -ge 2 ] || skip_test "this machine has one CPU"
[ -e /sys/devices/system/cpu/cpu1/online ] || skip_test "no CPU can be taken offline"

ktap_print_header
ktap_set_plan 15
need_insmod gomem.ko epoch_ms=200
need_insmod gomem_fill.ko
dmesg -c >/dev/null

fill_loop &
pids=$!
hotplug_loop &
pids="$pids $!"
[ ! -e $gomem_dir/scavenge ] || scavenge_loop &
pids="$pids $!"
read_loop &
pids="$pids $!"
garbage_loop &
pids="$pids $!"
insmod gomem_torture.ko seconds="$seconds" may_fail=1
ktap_is $? 0 "torture"
touch "$work/stop"
# shellcheck disable=SC2086 # they are several
wait $pids
fill_set cpu -1
fill_cmd hog stop
fill_cmd free all fifo

for what in fill hotplug read garbage; do
	ktap_test_result "$what: $(rounds $what) rounds" [ "$(rounds $what)" -gt 0 ]
done
if [ -e $gomem_dir/scavenge ]; then
	ktap_test_result "scavenge: $(rounds scavenge) rounds" [ "$(rounds scavenge)" -gt 0 ]
else
	ktap_test_skip "scavenge" "this gomem has no debugfs file scavenge"
fi
for key in heap_released scavenged_background scavenged_forced scavenged_shrinker remote_frees; do
	echo "# $key: $(gomem_stat $key)"
done
ktap_is "$(rounds unreadable)" 0 "all files could be read"
ktap_is "$(cat "$work/accepted" 2>/dev/null)" "" "garbage was refused"
ktap_is "$(fill_stat objects) $(fill_stat damaged)" "0 0" "all objects are freed, undamaged"
rmmod gomem_torture
ktap_is "$(gomem_stat mallocs)" "$(gomem_stat frees)" "mallocs and frees agree"
ktap_is "$(gomem_check)" ok "the heap is sound"
ktap_is "$(trouble)" "" "the kernel has seen nothing wrong"
unload_all
rm -rf "$work"
gomem_finished
