#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# footprint.sh - measure how much memory gomem holds while objects are freed.
# Memory is filled, then half of the objects are freed in some order, then the
# others. After each step the held bytes are read three times: at once, after
# the background scavenger is done, and after a write to the file scavenge. At
# the end almost nothing may be left.
#
# machine: --memory=512M
# machine debug: --memory=2G
# make check: not on a debug kernel
# make check: not on an older kernel
#
# For comparison the test does the same with kmalloc(). The bytes that kmalloc()
# holds are the growth of SUnreclaim, which counts slabs and objects that are
# too large for slabs. To check the numbers of both, the column "gone" has the
# decrease of the machine's free memory since the start, without the pages in
# which gomem_fill.ko keeps its pointers to the objects.

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/kselftest/ktap.sh
. "$here/ktap.sh"
# shellcheck source=tests/kselftest/fill.lib
. "$here/fill.lib"

ORDERS="fifo lifo other random"
results=38

# Give up waiting for the background scavenger when it gave nothing back for
# this many seconds.
patience=30

# How much may be left after a write to scavenge. rest_bytes: bytes of pages,
# some of which CPUs may have taken again. rest_percent: descriptors of spans
# and chunks, which are kept for reuse, in percent of the most that was held.
# The descriptor of an 8 KiB span has about 100 to 350 bytes, that of a 4 MiB
# chunk 6.4 KiB.
rest_bytes=$((1 << 20))
rest_percent=4

total=$(meminfo MemTotal)
if debug_kernel; then
	# On the debug kernel everything is slow. The scavenger is even slower,
	# since it uses at most one percent of the time. So fill less, and wait
	# longer.
	amount=$((total / 64 >> 20))M
	ORDERS="random"
	results=12
	patience=200
else
	amount=70
fi
if [ -n "${KTAP_QUICK:-}" ] && ! debug_kernel; then
	# Test only one order that frees runs of pages early, and the order that
	# frees them latest.
	ORDERS="lifo random"
	results=21
fi

row()
{
	printf '# %-8s %-7s %8s %8s %8s %8s   %6s %6s %6s   %8s\n' "$@"
}

# ratio HELD: print HELD as a multiple of the live bytes.
ratio()
{
	[ "$live" -gt 0 ] || {
		echo -
		return
	}
	awk -v a="$1" -v b="$live" 'BEGIN { printf "%.2f\n", a / b }'
}

# print_row ALLOCATOR STEP NOW LATER ASKED: print a row of the table. The last
# three are the bytes that measure() sets.
print_row()
{
	row "$1" "$2" "$(mib "$live")" "$(mib "$3")" "$(mib "$4")" "$(mib "$5")" \
		"$(ratio "$3")" "$(ratio "$4")" "$(ratio "$5")" "$(mib "$gone")"
}

print_head()
{
	echo "# MiB held, and as a multiple of the live bytes"
	row "" step live now later asked now later asked gone
}

measure_gone()
{
	gone=$((free_at_start - $(free_bytes) - $(fill_stat index_bytes)))
}

# measure STEP: set now, later and asked to the bytes held at once, after the
# background scavenger is done, and after a write to scavenge. If $enough is
# set, the scavenger is done only when gomem holds at most that many bytes.
measure()
{
	live=$(fill_stat requested)
	now=$(gomem_stat sys)
	wait_released $patience "$enough"
	later=$(gomem_stat sys)
	echo 1 >$gomem_dir/scavenge
	asked=$(gomem_stat sys)
	measure_gone
	print_row gomem "$1" "$now" "$later" "$asked"
}

# machine_has_it NAME: pass if the machine has the memory that gomem gave back.
# Skip this with KASAN: it keeps all freed memory for a while, and stores
# stacks.
machine_has_it()
{
	if debug_kernel; then
		ktap_test_skip "$1" "KASAN is at work"
	else
		ktap_test_result "$1" [ "$gone" -le $((asked - $(gomem_stat heap_sys) + full * 3 / 100)) ]
	fi
}

one_order()
{
	order=$1
	fill_cmd fill $amount
	ktap_is $? 0 "$order: memory is filled"
	full=$(gomem_stat sys)
	live=$(fill_stat requested)
	measure_gone
	print_row gomem full "$full" "$full" "$full"

	fill_cmd free half "$order"
	ktap_is $? 0 "$order: half of the objects are freed, undamaged"
	enough=
	measure "$order"
	case $order in
	fifo|lifo)
		ktap_test_result "$order: half of them hold at most 1.25 times their bytes" \
			[ "$asked" -le $((live * 5 / 4)) ]
		;;
	esac

	# Read the sizes before the free: gomem gives memory back during the
	# free.
	heap=$(gomem_stat heap_sys)
	meta=$(($(gomem_stat sys) - heap))
	fill_cmd free all "$order"
	ktap_is $? 0 "$order: all are freed"
	enough=$((heap * 20 / 100 + meta))
	measure "... all"
	given=$((heap + meta - later))
	ktap_test_result "$order: the background gave $(percent $given "$heap") % back, at least 80" \
		[ $given -ge $((heap * 80 / 100)) ]
	ktap_test_result "$order: when asked, all pages but $rest_bytes bytes: $(gomem_stat heap_sys) left" \
		[ "$(gomem_stat heap_sys)" -le $rest_bytes ]
	ktap_test_result "$order: of $full bytes no more than $rest_percent % stay as descriptors: $meta" \
		[ $((asked - $(gomem_stat heap_sys))) -le $((full * rest_percent / 100)) ]
	machine_has_it "$order: the machine has its memory back, but for 3 % and the descriptors"
	ktap_is "$(gomem_check)" ok "$order: the heap is sound"
}

# kmalloc() has no background scavenger. But user space can make it free its
# empty slabs.
shrink_slabs()
{
	for file in /sys/kernel/slab/kmalloc-*/shrink; do
		[ ! -e "$file" ] || echo 1 >"$file"
	done
}

measure_kmalloc()
{
	live=$(fill_stat requested)
	now=$(($(meminfo SUnreclaim) - slab_at_start))
	sleep 1
	later=$(($(meminfo SUnreclaim) - slab_at_start))
	shrink_slabs
	asked=$(($(meminfo SUnreclaim) - slab_at_start))
	measure_gone
	print_row kmalloc "$1" $now $later $asked
}

compare_kmalloc()
{
	if [ -n "${KTAP_QUICK:-}" ]; then
		echo "# not compared in a quick run"
		return
	fi
	if debug_kernel; then
		echo "# not compared: KASAN and kmemleak keep what kmalloc() freed"
		return
	fi
	# Load gomem first, so that its initial memory does not count.
	insmod gomem.ko && insmod gomem_fill.ko allocator=kmalloc || return
	shrink_slabs
	slab_at_start=$(meminfo SUnreclaim)
	free_at_start=$(free_bytes)
	# lifo and other give the same numbers as these two orders: what counts
	# is whether neighbouring objects are freed together.
	for order in fifo random; do
		# 55 % of memory: 70 %, as with gomem, would not fit.
		fill_cmd fill 55 || echo "# kmalloc: memory was full at $(fill_stat requested)"
		live=$(fill_stat requested)
		now=$(($(meminfo SUnreclaim) - slab_at_start))
		measure_gone
		print_row kmalloc full $now $now $now
		fill_cmd free half "$order"
		measure_kmalloc "$order"
		fill_cmd free all "$order"
		measure_kmalloc "... all"
	done
	rmmod gomem_fill
	rmmod gomem
}

need_insmod gomem.ko epoch_ms=500
need_params epoch_ms
need_keys heap_released scavenged_background
need_files scavenge
need_insmod gomem_fill.ko

ktap_print_header
ktap_set_plan $results
dmesg -c >/dev/null
echo 3 >/proc/sys/vm/drop_caches
sleep 1
free_at_start=$(free_bytes)
print_head
for order in $ORDERS; do
	one_order "$order"
done
row gomem "back by:" "MiB" background "$(mib "$(gomem_stat scavenged_background)")" \
	asked "$(mib "$(gomem_stat scavenged_forced)")" "" "" ""
unload_all
compare_kmalloc
ktap_is "$(trouble)" "" "the kernel has nothing to say about it"
gomem_finished
