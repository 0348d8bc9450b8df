#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# gomem loads and unloads again and again, now and then with its example client
# in between, and gives every page back each time.

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/kselftest/ktap.sh
. "$here/ktap.sh"
# shellcheck source=tests/kselftest/wordcount.lib
. "$here/wordcount.lib"

rounds=50
client_every=10

# The first rounds fill caches of the kernel.
warm_up=10

# One page of gomem lost per round would be 320 KiB in the end, one block that it
# fetches 256 KiB. What the kernel does meanwhile takes or gives some dozens.
slack_kib=200

# MemFree, and the free pages that CPUs keep at hand: gomem's go there first. The kernel's
# slabs keep what modules had when they were loaded, until they are asked for it.
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

# round N: prints what is wrong, if anything
round()
{
	load gomem || echo "round $1: does not load"
	[ $(($1 % client_every)) -ne 0 ] || use_client
	# Its last words are the newest there are.
	rmmod gomem || echo "round $1: does not unload"
	dmesg | grep '] gomem: ' | tail -n 1 | grep -q 'unloaded: every object and page came back' ||
		echo "round $1: not everything came back"
	[ ! -d /sys/kernel/debug/gomem ] || echo "round $1: its debugfs files are still there"
}

# KASAN keeps freed memory for a while, and kmemleak remembers objects.
memory_is_countable()
{
	[ ! -e /sys/kernel/debug/kmemleak ] && ! grep -q ' kasan_' /proc/kallsyms
}

check_memory()
{
	if ! memory_is_countable; then
		ktap_skip "free memory is what it was" "KASAN or kmemleak is at work"
		return
	fi
	ktap_is "$([ $((before - after)) -lt $slack_kib ] && echo same)" same \
		"free memory is what it was"
	ktap_diag "free: $before KiB after $warm_up rounds, $after KiB after $rounds"
}

ktap_header
wordcount_need
ktap_plan 2
cat "$here"/*.sh >"$tmp/text"
unload gomem

before=0
for i in $(seq $rounds); do
	round "$i" >>"$tmp/wrong" 2>&1
	[ "$i" -ne $warm_up ] || before=$(free_kib)
done
after=$(free_kib)

ktap_is "$(head -n 5 "$tmp/wrong")" "" "$rounds times loaded and unloaded"
check_memory
ktap_finish
