#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# chaos.sh - everything at once, on two nodes: tasks and interrupts allocate, memory
# is filled and freed and wanted back, CPUs go and come, epochs are short, somebody
# asks for all free memory again and again, and all of gomem's files are read and
# written to. When it is over nothing is lost, and the kernel has seen nothing wrong.
#
# machine: --numa=2 --cpus=4 --memory=1G
# machine debug: --append=kmemleak=off
# make check: not on an older kernel

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/kselftest/ktap.sh
. "$here/ktap.sh"
# shellcheck source=tests/kselftest/fill.lib
. "$here/fill.lib"

# Each loop comes to one round at least, however slow the machine is.
seconds=${CHAOS_SECONDS:-20}
[ -z "${KTAP_QUICK:-}" ] || seconds=$((seconds / 2))
work=$(mktemp -d /tmp/chaos.XXXXXX) || exit

# Percent of memory. Live objects and the hog fit in together, but not with what the
# objects before them left: that has to come back from gomem. In the debug kernel a
# round would take too long.
if debug_kernel; then
	fill=15
	hog=80
else
	fill=40
	hog=60
fi

# Until the file "stop" is there, one of these each:
running()
{
	[ ! -e "$work/stop" ]
}

# count NAME: one more round of it
count()
{
	echo >>"$work/$1"
}

rounds()
{
	touch "$work/$1"
	wc -l <"$work/$1"
}

# Commands may fail: a CPU may be away, memory may be short. Objects are verified
# whatever happens.
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
		usleep 50000
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

# accepted, if one of them was
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
		usleep 20000
	done
}

cpus=$(grep -c '^processor' /proc/cpuinfo)
[ "$cpus" -ge 2 ] || ktap_skip_all "this machine has one CPU"
[ -e /sys/devices/system/cpu/cpu1/online ] || ktap_skip_all "no CPU can be taken offline"

ktap_header
ktap_plan 14
insmod gomem.ko epoch_ms=200 || exit 1
insmod gomem_fill.ko || exit 1
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
	ktap_true "$what: $(rounds $what) rounds" [ "$(rounds $what)" -gt 0 ]
done
if [ -e $gomem_dir/scavenge ]; then
	ktap_true "scavenge: $(rounds scavenge) rounds" [ "$(rounds scavenge)" -gt 0 ]
else
	ktap_skip "scavenge" "this gomem has no debugfs file scavenge"
fi
for key in heap_released scavenged_background scavenged_forced scavenged_shrinker remote_frees; do
	echo "# $key: $(gomem_stat $key)"
done
ktap_is "$(rounds unreadable)" 0 "all files could be read"
ktap_is "$(cat "$work/accepted" 2>/dev/null)" "" "garbage was refused"
ktap_is "$(fill_stat objects) $(fill_stat damaged)" "0 0" "all objects are freed, undamaged"
rmmod gomem_torture
ktap_is "$(gomem_stat mallocs)" "$(gomem_stat frees)" "mallocs and frees agree"
ktap_is "$(heap_verdict)" ok "the heap is sound"
ktap_is "$(trouble)" "" "the kernel has seen nothing wrong"
unload_all
rm -rf "$work"
ktap_finish
