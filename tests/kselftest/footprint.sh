#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# footprint.sh - what gomem holds when objects are freed: memory is filled, half of
# the objects are freed in some order, then all. Held bytes are read right after,
# when the background scavenger is done, and after everything was asked back; after
# the last free next to nothing may be left.
#
# machine: --memory=512M
# machine debug: --memory=2G --append=kmemleak=off
# make check: not on a debug kernel
# make check: not on an older kernel
#
# For comparison the same is done with kmalloc(). What that holds is the growth of
# SUnreclaim: slabs and what is too large for them, and nothing else that happens in
# the machine. As a check on both there is the column "gone": free memory that the
# machine has less than at the start, the client's index not counted.

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/kselftest/ktap.sh
. "$here/ktap.sh"
# shellcheck source=tests/kselftest/fill.lib
. "$here/fill.lib"

ORDERS="fifo lifo other random"
results=37

# Seconds in which the background may do nothing, before it is not waited for any more.
patience=30

# What may be left when everything was asked back: bytes in pages, some of which CPUs
# may have taken again; and descriptors of spans and chunks, which stay for the next
# time, in percent of the most that was held. A span of 8 KiB has one of 160 bytes or
# so, a chunk of 4 MiB one of 5 KiB.
rest_bytes=$((1 << 20))
rest_percent=4

total=$(meminfo MemTotal)
if debug_kernel; then
	# All is slow there, and the scavenger has its one percent of the time.
	amount=$((total / 64 >> 20))M
	ORDERS="random"
	results=11
	patience=200
else
	amount=70
fi
if [ -n "${KTAP_QUICK:-}" ] && ! debug_kernel; then
	# One in which runs of pages become free, and the one in which they do last.
	ORDERS="lifo random"
	results=20
fi

row()
{
	printf '# %-8s %-7s %8s %8s %8s %8s   %6s %6s %6s   %8s\n' "$@"
}

# ratio HELD: as a share of the live bytes
ratio()
{
	[ "$live" -gt 0 ] || {
		echo -
		return
	}
	awk -v a="$1" -v b="$live" 'BEGIN { printf "%.2f\n", a / b }'
}

# print_row ALLOCATOR STEP NOW LATER ASKED
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

# measure STEP: sets now, later and asked. The background is waited for until gomem holds
# at most $enough bytes, if that is set, and nothing happens any more.
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

# KASAN holds on to what anybody in the machine frees, and remembers stacks.
machine_has_it()
{
	if debug_kernel; then
		ktap_skip "$1" "KASAN is at work"
	else
		ktap_true "$1" [ "$gone" -le $((asked - $(gomem_stat heap_sys) + full * 3 / 100)) ]
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
		ktap_true "$order: half of them hold at most 1.25 times their bytes" \
			[ "$asked" -le $((live * 5 / 4)) ]
		;;
	esac

	# It begins to give back while they are being freed.
	heap=$(gomem_stat heap_sys)
	meta=$(($(gomem_stat sys) - heap))
	fill_cmd free all "$order"
	ktap_is $? 0 "$order: all are freed"
	enough=$((heap * 20 / 100 + meta))
	measure "... all"
	given=$((heap + meta - later))
	ktap_true "$order: the background gave $(percent $given "$heap") % back, at least 80" \
		[ $given -ge $((heap * 80 / 100)) ]
	ktap_true "$order: when asked, all pages but $rest_bytes bytes: $(gomem_stat heap_sys) left" \
		[ "$(gomem_stat heap_sys)" -le $rest_bytes ]
	ktap_true "$order: of $full bytes no more than $rest_percent % stay as descriptors: $meta" \
		[ $((asked - $(gomem_stat heap_sys))) -le $((full * rest_percent / 100)) ]
	machine_has_it "$order: the machine has its memory back, but for 3 % and the descriptors"
	ktap_is "$(heap_verdict)" ok "$order: the heap is sound"
}

# kmalloc() has no background, and what it can be asked for is to give up the empty
# slabs that it keeps.
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
	# What a new gomem holds does not count.
	insmod gomem.ko && insmod gomem_fill.ko allocator=kmalloc || return
	shrink_slabs
	slab_at_start=$(meminfo SUnreclaim)
	free_at_start=$(free_bytes)
	# The other two come out like these: objects die with their neighbours, or not.
	for order in fifo random; do
		# Less than gomem's 70: that many would not fit.
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

insmod gomem.ko epoch_ms=500 || exit 1
need_params epoch_ms
need_keys heap_released scavenged_background
need_files scavenge
insmod gomem_fill.ko || exit 1

ktap_header
ktap_plan $results
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
ktap_finish
