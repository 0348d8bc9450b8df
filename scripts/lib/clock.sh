# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# A clock for deadlines of a process, in milliseconds. It stands still while the
# process waits for a processor of a busy host.
#
# The clock advances while the process computes or sleeps. A thread waits while
# it is ready to run but has no processor. The kernel counts for how long, in
# /proc/PID/task/TID/schedstat. On a host whose kernel does not count this, the
# clock shows real time.

# clock_start PID: start the clock of a process, at clock_ms = 0.
clock_start()
{
	clock_pid=$1
	clock_ms=0
	clock_at=${EPOCHREALTIME/[.,]/}
	clock_waited=()
	clock_longest_wait
}

# Set clock_longest to the longest wait of any thread since the last call, in
# nanoseconds. The longest counts because a machine is as fast as its slowest
# processor.
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

# Add the time since the last call to clock_ms, without the longest wait.
clock_look()
{
	local now=${EPOCHREALTIME/[.,]/} passed

	clock_longest_wait
	passed=$(((now - clock_at) / 1000 - clock_longest / 1000000))
	((passed <= 0)) || clock_ms=$((clock_ms + passed))
	clock_at=$now
}
