#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# forced.sh - a write to the file scavenge gives all free memory back, however
# busy the machine is. Ten busy loops do not make less memory come back, and gomem
# waits for at most two grace periods more than on an idle machine.
#
# The duration says little, since the busy loops take processor time. So the
# test counts pages, and how often gomem waits.
#
# machine: --memory=512M
# make check: not on a debug kernel
# make check: in User-Mode Linux

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

# Set left to the bytes held after a write to scavenge, and waits to the number
# of grace periods that the write waited for.
scavenge()
{
	fill_cmd fill 100M && fill_cmd free random
	ktap_is $? 0 "100 MiB are filled and freed, $1"
	held=$(gomem_stat heap_sys)
	waits=$(gomem_stat grace_waits)
	echo 1 >$gomem_dir/scavenge
	waits=$(($(gomem_stat grace_waits) - waits))
	left=$(gomem_stat heap_sys)
	ktap_test_result "$left of $held bytes are held, $1: half a MiB of 64 at most" \
		[ "$held" -ge $((64 << 20)) -a "$left" -le $((512 << 10)) ]
}

need_insmod gomem.ko epoch_ms=86400000
need_keys grace_waits
need_insmod gomem_fill.ko
ktap_print_header
ktap_set_plan 9
scavenge idle
quiet=$waits
start_loops
scavenge busy
stop_loops
ktap_test_result "it waited for $waits grace periods, $quiet on an idle machine, 2 more at most" \
	[ "$waits" -le $((quiet + 2)) ]
ktap_is "$(gomem_check)" ok "the heap is sound"
unload_all
gomem_finished
