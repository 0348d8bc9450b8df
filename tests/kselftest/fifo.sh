#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# fifo.sh - a task of real-time priority, the hog, never gives up its CPU.
# Neither gomem's functions nor CPU hotplug may wait for it without end. The task
# preempts one of gomem's works on that CPU, just after the work took objects
# out of a slot.
#
# The kernel's own threads of the CPU get a higher priority than the task, so
# that grace periods end. But no work of a workqueue runs on the CPU: code that
# waited for one would wait until the task ends. So the limit for a function
# need not be tight. It depends on how long the kernel's own functions take
# beside the same task.
#
# machine: --cpus=3
# make check: not on a debug kernel
# make check: not on an older kernel

# shellcheck source=tests/kselftest/ktap.sh
. "$(dirname "$0")/ktap.sh"

HOG_CPU=1
OTHER_CPU=2
# How long gomem waits for CPUs at most: GOMEM_DRAIN_ALL_MS.
DRAIN_US=1000000

files=/sys/kernel/debug/gomem_fifo
gomem=/sys/kernel/debug/gomem
param=/sys/module/gomem_fifo/parameters
out=/tmp/fifo.$$
shares=$out.shares
hog=
limit=

# Print the files that say how much of a CPU is kept for tasks without real-time
# priority.
shares()
{
	find /sys/kernel/debug/sched -path '*_server/cpu*/runtime' 2>/dev/null
	echo /proc/sys/kernel/sched_rt_runtime_us
}

# take_shares: keep no CPU time for tasks without real-time priority.
# give_shares: restore the values that take_shares found.
take_shares()
{
	for file in $(shares); do
		echo "$file $(cat "$file")" >>$shares
		case $file in
		/proc/*) echo -1 >"$file" ;;
		*) echo 0 >"$file" ;;
		esac
	done
}

give_shares()
{
	while read -r file value; do
		echo "$value" >"$file"
	done <$shares
	: >$shares
}

end_hog()
{
	[ -z "$hog" ] || kill -9 "$hog"
	hog=
	give_shares
}

clean_up()
{
	end_hog
	wait
	rm -f /tmp/fifo.$$*
}

raise_threads()
{
	for dir in /proc/[0-9]*; do
		case $(cat "$dir/comm" 2>/dev/null) in
		ksoftirqd/*|ktimers/*|irq_work/*|cpuhp/*|rcu*)
			echo "${dir#/proc/}" >$param/raise
			;;
		esac
	done
}

start_hog()
{
	taskset $((1 << HOG_CPU)) sh -c "echo 1 >$param/hog; while :; do :; done" &
	hog=$!
}

now_us()
{
	awk '{ printf "%d\n", $1 * 1000000 }' /proc/uptime
}

# await US COMMAND...: run the command in the background, and wait at most US
# microseconds until it ends. Set took to the microseconds that it took, or to
# nothing if it has not ended.
await()
{
	await_end=$(($(now_us) + $1))
	await_begin=$(now_us)
	shift
	rm -f "$out"
	{ "$@" >"$out.out" 2>&1; echo $? >"$out"; } &
	took=
	until [ -s "$out" ] || [ "$(now_us)" -gt $await_end ]; do
		sleep 0.02
	done
	[ -s "$out" ] || return 1
	took=$(($(now_us) - await_begin))
	return "$(cat "$out")"
}

# kernel_takes: measure how long the kernel's functions take beside the hog, and
# set the limit. Functions that may wait for the hog are not called here: while
# they wait, they would hold locks of the kernel.
kernel_takes()
{
	worst=0
	for name in create objects barrier synchronize barrier synchronize; do
		await $limit cat $files/kernel/$name
		us=$(cat "$out.out")
		ktap_print_msg "kernel: $name: $us us"
		[ "$us" -le "$worst" ] || worst=$us
	done
	limit=$((20 * worst + 10 * DRAIN_US))
}

# returns NAME COMMAND...: pass if the command succeeds in time. If a command
# does not return, no other is tried after it: one might destroy a cache that
# the first still uses.
returns()
{
	returns_name=$1
	shift
	[ -n "$hog" ] || { ktap_test_fail "$returns_name: not tried"; return; }
	await $limit "$@"
	ktap_is $? 0 "$returns_name"
	[ -z "$took" ] || {
		ktap_print_msg "$took us, limit $limit us: $(cat "$out.out")"
		return
	}
	ktap_print_msg "does not return within $limit us; the stacks of tasks that wait:"
	ktap_print_msg "$(cat /proc/[0-9]*/stack | grep -E 'gomem|kmem_cache|cpu_down|flush_work')"
	end_hog
}

set_online()
{
	echo "$2" >/sys/devices/system/cpu/cpu"$1"/online
}

# Call all shrinkers. Do not drop the page cache: for that, the kernel waits for
# a work on each CPU, and so for the hog.
drop_slab()
{
	echo 2 >/proc/sys/vm/drop_caches
}

give_all_back()
{
	echo 1 >"$gomem/scavenge"
}

call()
{
	returns "$1: $3" cat "$files/$1/$2"
}

for cpu in $HOG_CPU $OTHER_CPU; do
	[ -w "/sys/devices/system/cpu/cpu$cpu/online" ] ||
		skip_test "no two CPUs can be taken offline"
done
[ -e /sys/kernel/debug/kprobes ] || skip_test "the kernel has no kprobes"
[ -e /proc/sys/kernel/sched_rt_runtime_us ] || skip_test "no tasks of real-time priority"
ktap_print_header
ktap_set_plan 20
# Epochs of a day: no background work drains slots before the hog begins.
need_insmod gomem.ko epoch_ms=86400000
need_insmod gomem_fifo.ko hog_cpu=$HOG_CPU
: >$shares
trap 'ktap_at_exit $? clean_up' EXIT
# Turn the kernel's workqueue watchdog off. It would report the works that the
# hog keeps from running.
[ ! -w /sys/module/workqueue/parameters/watchdog_thresh ] ||
	echo 0 >/sys/module/workqueue/parameters/watchdog_thresh
raise_threads
take_shares
start_hog
limit=$((20 * DRAIN_US))
# Do not start the drain before the hog waits for it.
until [ "$(cat $param/armed)" = 1 ] || ! kill -0 "$hog"; do
	sleep 0.02
done
returns "a drain of all CPUs ends" give_all_back
# gomem may give up waiting before the work begins, so wait for the work here.
for _ in $(seq 100); do
	[ "$(cat $param/caught)" = 0 ] || break
	sleep 0.1
done
ktap_is "$(cat $param/caught)" 1 "the task preempted a work of gomem's in the middle of it"
[ -z "$hog" ] || kernel_takes
call gomem create "a cache is created"
call gomem objects "objects are allocated and freed"
call gomem shrink_made "a cache is shrunk"
call gomem destroy_made "a cache is destroyed"
call gomem barrier "gomem_rcu_barrier()"
call gomem shrink "a cache with objects on the CPU is shrunk"
call gomem destroy_other "a cache with objects on the CPU is destroyed"
drained="the cache that the work drains is destroyed"
# On RT the task preempts works also with objects of the cache in hand.
case $(uname -v) in
*PREEMPT_RT*) ktap_test_skip "gomem: $drained" "on PREEMPT_RT this waits for the task" ;;
*) call gomem destroy "$drained" ;;
esac
returns "the shrinkers are called" drop_slab
returns "another drain of all CPUs" give_all_back
returns "another CPU goes offline" set_online $OTHER_CPU 0
returns "and comes back" set_online $OTHER_CPU 1
returns "the CPU goes offline" set_online $HOG_CPU 0
returns "and comes back" set_online $HOG_CPU 1
[ -z "$hog" ] || taskset -p $((1 << HOG_CPU)) "$hog" >/dev/null
for name in shrink destroy destroy_made; do
	[ -n "$hog" ] || break
	await $((2 * DRAIN_US)) cat $files/kernel/$name
	ktap_print_msg "kernel: $name: ${took:-waits for the task}"
	out=$out.
done
end_hog
wait
ktap_is "$(gomem_check)" ok "the heap is sound"
rmmod gomem_fifo
ktap_is $? 0 "unload the module"
rmmod gomem
gomem_came_back
gomem_finished
