#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# reclaim.sh - reclaim does not wait for gomem. While memory comes and goes on a busy
# machine all caches are dropped, which asks every shrinker for all it has: the task that
# does so sleeps no more often than with kmalloc(), and what is free follows soon.
#
# How long a drop takes says little: gomem gives pages back in it that kmalloc() gave back
# when they were freed. So sleeps are counted, which no host makes more.
#
# machine: --memory=512M
# machine debug: --memory=1G --append=kmemleak=off

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/kselftest/ktap.sh
. "$here/ktap.sh"
# shellcheck source=tests/kselftest/fill.lib
. "$here/fill.lib"

drops=20

# Sets sleeps to how often this shell slept so far. No other process is started for it.
count_sleeps()
{
	while read -r key sleeps; do
		[ "$key" != voluntary_ctxt_switches: ] || return 0
	done </proc/$$/status
}

# Objects come and go, and a grace period takes some ticks.
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

# Sets slept to the number of sleeps in some drops of all caches.
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

ktap_header
ktap_plan 8
insmod gomem.ko epoch_ms=3600000 || exit 1
need_keys grace_waits scavenged_shrinker

insmod gomem_fill.ko allocator=kmalloc || exit 1
drop_caches
ktap_is $? 0 "all caches are dropped while kmalloc() comes and goes"
kmalloc=$slept
rmmod gomem_fill
insmod gomem_fill.ko || exit 1
waits=$(gomem_stat grace_waits)
drop_caches
ktap_is $? 0 "and while gomem does"
ktap_true "$drops drops sleep $slept times, $kmalloc times with kmalloc(), $drops more at most" \
	[ $slept -le $((kmalloc + drops)) ]
ktap_is "$(gomem_stat grace_waits)" "$waits" "no grace period was waited for"

fill_cmd fill 25 && fill_cmd free random
idle=$(gomem_stat heap_idle)
shrunk=$(gomem_stat scavenged_shrinker)
echo 2 >/proc/sys/vm/drop_caches
sleep 1
shrunk=$(($(gomem_stat scavenged_shrinker) - shrunk))
ktap_true "a second later $(percent "$shrunk" "$idle") % of what was free is back, at least 80" \
	[ "$shrunk" -ge $((idle * 80 / 100)) ]
ktap_is "$(heap_verdict)" ok "the heap is sound"
unload_all
ktap_finish
