#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# forced.sh - a write to scavenge gives everything back that is free, whatever else the
# machine has to do: with ten busy loops as much as without, and for no more grace periods.
#
# How long it takes says little, since each loop has its share of the processors. So pages
# and sleeps are counted.
#
# machine: --memory=512M
# machine debug: --memory=1G --append=kmemleak=off

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/kselftest/ktap.sh
. "$here/ktap.sh"
# shellcheck source=tests/kselftest/fill.lib
. "$here/fill.lib"

start_loops()
{
	loops=
	for _ in $(seq 10); do
		(while :; do :; done) &
		loops="$loops $!"
	done
}

stop_loops()
{
	# shellcheck disable=SC2086 # several words
	kill $loops
	# shellcheck disable=SC2086 # likewise
	wait $loops 2>/dev/null
}

# Sets left to the bytes that are held after a scavenge, waits to its grace periods.
scavenge()
{
	fill_cmd fill 100M && fill_cmd free random
	ktap_is $? 0 "100 MiB are filled and freed, $1"
	held=$(gomem_stat heap_sys)
	waits=$(gomem_stat grace_waits)
	echo 1 >$gomem_dir/scavenge
	waits=$(($(gomem_stat grace_waits) - waits))
	left=$(gomem_stat heap_sys)
	ktap_true "$left of $held bytes are held, $1: half a MiB of 64 at most" \
		[ "$held" -ge $((64 << 20)) -a "$left" -le $((512 << 10)) ]
}

insmod gomem.ko epoch_ms=3600000 || exit 1
need_keys grace_waits
insmod gomem_fill.ko || exit 1
ktap_header
ktap_plan 8
scavenge idle
quiet=$waits
start_loops
scavenge busy
stop_loops
ktap_true "it waited for $waits grace periods, $quiet on an idle machine, 2 more at most" \
	[ "$waits" -le $((quiet + 2)) ]
ktap_is "$(heap_verdict)" ok "the heap is sound"
unload_all
ktap_finish
