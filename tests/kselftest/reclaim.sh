#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# reclaim.sh - reclaim does not wait for gomem. On a busy machine that allocates
# and frees, a task writes to drop_caches, which asks every shrinker for all its
# memory. The task sleeps no more often than with kmalloc(). gomem's free memory
# returns to the kernel soon after.
#
# The duration of the write says little: in that time gomem gives pages back,
# which kmalloc() did when the objects were freed. So the test counts sleeps,
# which do not depend on the host's load.
#
# machine: --memory=512M
# machine debug: --memory=1G
# make check: in User-Mode Linux

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/kselftest/ktap.sh
. "$here/ktap.sh"
# shellcheck source=tests/kselftest/fill.lib
. "$here/fill.lib"

drops=20
[ -z "${KTAP_QUICK:-}" ] || drops=8

# Allocate and free in the background. Busy loops beside this make a grace period
# last several ticks.
start_churn()
{
	(while :; do
		fill_cmd fill 70M
		fill_cmd free 50 random
	done) &
	churn=$!
	for _ in $(seq "$(nproc)"); do
		(while :; do :; done) &
		churn="$churn $!"
	done
}

stop_churn()
{
	# shellcheck disable=SC2086 # several words
	kill $churn
	# shellcheck disable=SC2086 # likewise
	wait $churn 2>/dev/null
	fill_cmd free all fifo
}

# Drop all caches $drops times. Set slept to how often this task slept.
drop_caches()
{
	slept=0
	start_churn
	for _ in $(seq $drops); do
		sleep 0.2
		count_sleeps
		before=$sleeps
		echo 2 >/proc/sys/vm/drop_caches
		count_sleeps
		slept=$((slept + sleeps - before))
	done
	stop_churn
}

ktap_print_header
ktap_set_plan 9
need_insmod gomem.ko epoch_ms=86400000
need_keys grace_waits scavenged_shrinker

need_insmod gomem_fill.ko allocator=kmalloc
drop_caches
ktap_is $? 0 "all caches are dropped while kmalloc() comes and goes"
kmalloc=$slept
rmmod gomem_fill
need_insmod gomem_fill.ko
waits=$(gomem_stat grace_waits)
drop_caches
ktap_is $? 0 "and while gomem does"
ktap_test_result "$drops drops sleep $slept times, $kmalloc times with kmalloc(), $((drops / 2)) more at most" \
	[ $slept -le $((kmalloc + drops / 2)) ]
ktap_is "$(gomem_stat grace_waits)" "$waits" "no grace period was waited for"

fill_cmd fill 25 && fill_cmd free random
idle=$(gomem_stat heap_idle)
shrunk=$(gomem_stat scavenged_shrinker)
echo 2 >/proc/sys/vm/drop_caches
sleep 1
shrunk=$(($(gomem_stat scavenged_shrinker) - shrunk))
ktap_test_result "a second later $(percent "$shrunk" "$idle") % of what was free is back, at least 80" \
	[ "$shrunk" -ge $((idle * 80 / 100)) ]
ktap_is "$(gomem_check)" ok "the heap is sound"
unload_all
gomem_finished
