# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# A clock for deadlines of a process, in milliseconds, that stands still while the
# process waits for a processor of a busy host.
#
# Computing takes time by this clock, and so does sleeping. A thread that is ready to
# run but does not get a processor waits, and the kernel counts for how long:
# /proc/PID/task/TID/schedstat. On a host whose kernel does not count it, the clock
# is that of the wall.

# clock_start PID: sets clock_ms to 0.
clock_start()
{
	clock_pid=$1
	clock_ms=0
	clock_at=${EPOCHREALTIME/[.,]/}
	clock_waited=()
	clock_longest_wait
}

# Sets clock_longest to the nanoseconds that one thread waited since the last call: the
# one that waited most, because a machine is as fast as its slowest processor.
clock_longest_wait()
{
	local dir thread waited delta

	clock_longest=0
	for dir in "/proc/$clock_pid/task"/*; do
		thread=${dir##*/}
		read -r _ waited _ 2>/dev/null <"$dir/schedstat" || continue
		delta=$((waited - ${clock_waited[thread]:-0}))
		clock_waited[thread]=$waited
		((delta <= clock_longest)) || clock_longest=$delta
	done
}

# Adds to clock_ms what passed since the last call, without the longest wait.
clock_look()
{
	local now=${EPOCHREALTIME/[.,]/} passed

	clock_longest_wait
	passed=$(((now - clock_at) / 1000 - clock_longest / 1000000))
	((passed <= 0)) || clock_ms=$((clock_ms + passed))
	clock_at=$now
}
