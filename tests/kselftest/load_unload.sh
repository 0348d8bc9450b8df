#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# load_unload.sh - gomem loads and unloads many times, sometimes with its
# example client in between, and gives every page back each time.

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/kselftest/ktap.sh
. "$here/ktap.sh"
# shellcheck source=tests/kselftest/wordcount.lib
. "$here/wordcount.lib"

client_every=10

# Number of first rounds that are not measured: in these the kernel's caches
# fill.
warm_up=10

# Number of rounds before and after which free memory is compared. If each of 40
# rounds lost a gomem page, that would be 320 KiB; a single lost block is 256
# KiB. The kernel itself keeps 60 to 140 KiB more after 40 rounds, once 212 KiB,
# for example for modules and their trace events. If free memory falls by more
# than slack_kib in one window of rounds, the test measures another window: a
# leak in gomem would repeat there.
window=40
[ -z "${KTAP_QUICK:-}" ] || window=20
slack_kib=$((window * 6))
windows=3

# Print the free memory, including pages on per-CPU lists, to which gomem's
# pages go first. Shrink the slabs before: they keep memory of unloaded modules.
free_kib()
{
	echo 3 >/proc/sys/vm/drop_caches
	for cache in /sys/kernel/slab/*/shrink; do
		[ ! -e "$cache" ] || echo 1 >"$cache"
	done
	sleep 1
	awk '$1 == "nr_free_pages" || $1 == "count:" { pages += $2 }
		END { print pages * 4 }' /proc/zoneinfo
}

use_client()
{
	wordcount_load gomem "$tmp/text" || cat "$tmp/error"
	[ "$(gomem_stat heap_objects)" -gt 0 ] || echo "the client has no objects"
	rmmod wordcount
	left=$(gomem_stat heap_objects)
	[ "$left" = 0 ] || echo "$left objects are live"
}

# round N: load and unload gomem once. Print what is wrong, if anything.
round()
{
	load gomem || echo "round $1: does not load"
	[ $(($1 % client_every)) -ne 0 ] || use_client
	# gomem's last message is the newest in the log.
	rmmod gomem || echo "round $1: does not unload"
	dmesg | grep '] gomem: ' | tail -n 1 | grep -q 'unloaded: every object and page came back' ||
		echo "round $1: not everything came back"
	[ ! -d /sys/kernel/debug/gomem ] || echo "round $1: its debugfs files are still there"
}

# Does free memory tell what was lost? Not with KASAN, which keeps freed memory
# for a while, or kmemleak, which allocates a record for each object.
memory_is_countable()
{
	[ ! -e /sys/kernel/debug/kmemleak ] && ! grep -q ' kasan_' /proc/kallsyms
}

# rounds N: run N more rounds.
rounds()
{
	last=$((done_rounds + $1))
	while [ "$done_rounds" -lt "$last" ]; do
		done_rounds=$((done_rounds + 1))
		round "$done_rounds" >>"$tmp/wrong" 2>&1
	done
}

# Does free memory stay the same, up to slack_kib, over one of the windows?
memory_stays()
{
	for _ in $(seq "$windows"); do
		before=$(free_kib)
		rounds "$window"
		after=$(free_kib)
		ktap_print_msg "free: $before KiB, $after KiB after $window rounds"
		[ $((before - after)) -ge "$slack_kib" ] || return 0
	done
	return 1
}

ktap_print_header
wordcount_need
ktap_set_plan 3
cat "$here"/*.sh >"$tmp/text"
unload gomem

done_rounds=0
rounds $warm_up
if memory_is_countable; then
	ktap_test_result "free memory is what it was" memory_stays
else
	rounds $((window / 4))
	ktap_test_skip "free memory is what it was" "KASAN or kmemleak is at work"
fi
ktap_is "$(head -n 5 "$tmp/wrong")" "" "$done_rounds times loaded and unloaded"
gomem_finished
