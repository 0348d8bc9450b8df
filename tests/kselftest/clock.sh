#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# clock.sh - gomem's periodic work stops while no heap has a page, and starts
# again when a heap gets pages. While nothing changes, the timer of the work is
# deferrable, so that it wakes no idle CPU.

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/kselftest/ktap.sh
. "$here/ktap.sh"
# shellcheck source=tests/kselftest/fill.lib
. "$here/fill.lib"

# gomem's periodic work runs four times an epoch, so every 111 ms. No other work
# of the kernel has this delay, so the delay identifies the timer.
epoch_ms=444
tracing=/sys/kernel/tracing

# Wait until no epoch ended for a second. Give up after 20 seconds.
clock_stops()
{
	for _ in $(seq 20); do
		epochs=$(gomem_stat epochs)
		sleep 1
		[ "$(gomem_stat epochs)" != "$epochs" ] || return 0
	done
	return 1
}

# Wait until an epoch has ended since clock_stops().
clock_runs()
{
	for _ in $(seq 20); do
		[ "$(gomem_stat epochs)" -le "$epochs" ] || return 0
		sleep 1
	done
	return 1
}

# Trace timers for three seconds. Set timers to the lines of gomem's timer, found
# by its delay, in jiffies of kernels with a tick of 250, 300 or 1000 Hz.
look_timers()
{
	echo >"$tracing/trace"
	echo 1 >"$tracing/events/timer/timer_start/enable"
	sleep 3
	echo 0 >"$tracing/events/timer/timer_start/enable"
	timers=$(grep -E 'delayed_work_timer_fn .*timeout=(28|34|111)\]' "$tracing/trace")
}

# Does the timer become deferrable some time after the last change?
timer_defers()
{
	for _ in $(seq 6); do
		look_timers
		[ -n "$timers" ] || continue
		echo "$timers" | grep -qv 'flags=.*D' || return 0
	done
	ktap_print_msg "$timers"
	return 1
}

ktap_print_header
ktap_set_plan 11
need_insmod gomem.ko epoch_ms=$epoch_ms
need_keys epochs
need_insmod gomem_fill.ko
[ -d $tracing/events ] || mount -t tracefs tracefs $tracing 2>/dev/null

ktap_test_result "no epoch ends while there is no memory" clock_stops
ktap_is "$(gomem_stat heap_sys)" 0 "there is none"
fill_cmd fill 8M
ktap_is $? 0 "8 MiB are filled"
ktap_test_result "epochs end again" clock_runs
if [ -e $tracing/events/timer/timer_start/enable ]; then
	ktap_test_result "while nothing changes, the timer does not wake a CPU" timer_defers
else
	ktap_test_skip "while nothing changes, the timer does not wake a CPU" "no trace events"
fi
fill_cmd free random
ktap_is $? 0 "all is freed"
ktap_test_result "no epoch ends any more, some time later" clock_stops
ktap_is "$(gomem_stat heap_sys)" 0 "all memory went back before"
unload_all
gomem_finished
