#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# pressure.sh - the machine runs out of memory while gomem has free pages. The
# kernel gets these pages through gomem's shrinker before it kills a task. This
# also holds when gomem itself asks for the memory, for a client.
#
# machine: --memory=512M
# machine debug: --memory=768M
# own machine: other tests leave the kernel's memory in pieces
# make check: in User-Mode Linux
#
# Epochs of a day keep the background scavenger out of this test.

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/kselftest/ktap.sh
. "$here/ktap.sh"
# shellcheck source=tests/kselftest/fill.lib
. "$here/fill.lib"

# On the debug kernel each page takes longer, because of KASAN. So fill less.
# KASAN also keeps all freed memory for a while. So the reserve is larger: the
# shell needs it to start programs. The same holds for the small reserve.
needed=$(needed_mib)
if debug_kernel; then
	amount=25
	reserve=$((56 + needed))
	small_reserve=$((24 + needed))
else
	amount=50
	reserve=$((16 + needed))
	small_reserve=$((4 + needed))
fi

stats_line()
{
	ktap_print_msg "$1: idle $(mib "$(gomem_stat heap_idle)")," \
		"in page caches $(mib "$(stat0 page_cache_bytes)")," \
		"released $(mib "$(gomem_stat heap_released)")," \
		"by the shrinker $(mib "$(gomem_stat scavenged_shrinker)")," \
		"hog $(mib "$(fill_stat hog_bytes)"), free $(mib "$(free_bytes)") MiB"
}

free_pages_of_heap()
{
	echo $(($(gomem_stat heap_idle) + $(stat0 page_cache_bytes)))
}

# take_all COMMAND...: run a command of gomem_fill that takes all memory.
take_all()
{
	wait_quiet
	fill_cmd "$@"
}

need_insmod gomem.ko epoch_ms=86400000
need_params epoch_ms
need_keys heap_released scavenged_shrinker
need_insmod gomem_fill.ko reserve=$reserve

ktap_print_header
ktap_set_plan 27
dmesg -c >/dev/null
ktap_print_msg "the hog leaves $reserve MiB, or $small_reserve: the kernel and user space need $needed"

# First case: all objects are freed before other users want the memory.
fill_cmd fill $amount
ktap_is $? 0 "$amount % of memory are filled"
fill_cmd free random
ktap_is $? 0 "and freed, undamaged"
idle=$(free_pages_of_heap)
shrunk=$(gomem_stat scavenged_shrinker)
released=$(gomem_stat heap_released)
stats_line "idle"
free=$(free_bytes)
take_all hog max
ktap_is $? 0 "a hog takes all memory there is"
stats_line "hog"
shrunk=$(($(gomem_stat scavenged_shrinker) - shrunk))
released=$(($(gomem_stat heap_released) - released))
ktap_test_result "the shrinker gave $(percent "$shrunk" "$idle") % of the idle pages, at least 80" \
	[ "$shrunk" -ge $((idle * 80 / 100)) ]
ktap_test_result "which are among those given back: $released bytes" [ "$released" -ge "$shrunk" ]
ktap_test_result "the hog got more than was free" [ "$(fill_stat hog_bytes)" -gt "$free" ]
ktap_is "$(gomem_check)" ok "the heap is sound"
# Allocate from the memory that the hog has left. There may be no long block of
# pages, so set gomem_fill's parameter effort so that the kernel compacts memory.
fill_set reserve 4
fill_set effort 1
fill_set size 1000
fill_cmd fill 1M
ktap_is $? 0 "gomem still serves"
fill_set effort 0
fill_cmd hog stop
fill_cmd free fifo
fill_set size 0
fill_set reserve $reserve
fill_cmd fill $amount
ktap_is $? 0 "and takes back what it gave, once it is free again"
ktap_is "$(trouble)" "" "nobody was killed"

# The same with half of the objects live: the pages of live objects cannot be
# given back.
fill_cmd free half random
ktap_is $? 0 "half of the objects are freed, undamaged"
idle=$(free_pages_of_heap)
shrunk=$(gomem_stat scavenged_shrinker)
take_all hog max
stats_line "hog, among objects"
shrunk=$(($(gomem_stat scavenged_shrinker) - shrunk))
ktap_test_result "the shrinker finds pages between objects: $(percent "$shrunk" "$idle") %, at least 50" \
	[ "$shrunk" -ge $((idle * 50 / 100)) ]
fill_cmd verify
ktap_is $? 0 "and leaves the objects alone"
ktap_is "$(gomem_check)" ok "the heap is sound"
fill_cmd hog stop
fill_cmd free all other
ktap_is $? 0 "all are freed, undamaged"

# A client allocates while the hog does. There is enough memory for both, and
# for the kernel, if gomem's free pages come back. Allocations with GFP_KERNEL
# make the kernel reclaim these.
fill_cmd fill $amount && fill_cmd free all fifo
want=$(($(free_bytes) + $(free_pages_of_heap) / 2 - (reserve << 20)))
fill_set reserve $small_reserve
fill_set effort 2
fill_cmd hog start $((want >> 20))M
fill_cmd fill $((amount * 3 / 10))
ktap_is $? 0 "GFP_KERNEL finds memory while the hog takes it"
sleep 1
stats_line "both"
fill_cmd hog stop
fill_cmd free all random
ktap_is $? 0 "all are freed, undamaged"

# Allocations by which gomem reclaims its own memory. Objects of more than 32
# KiB find no run of free pages between the live objects, so the heap has to
# grow. The memory that the kernel reclaims for this is free memory of the same
# heap.
# If memory is in pieces, the fill may end early.
fill_cmd fill $amount
fill_cmd free 70 random
fill_set reserve $reserve
take_all hog max
fill_set reserve $small_reserve
fill_cmd verify
ktap_is $? 0 "the objects left are undamaged"
fill_set effort 1
large_before=$(gomem_stat large_mallocs)
take_all fill 95
ktap_test_result "without end it fails in the end" [ $? -ne 0 ]
echo "# large objects made meanwhile: $(($(gomem_stat large_mallocs) - large_before))"
stats_line "without end"
fill_cmd verify
ktap_is $? 0 "the objects are undamaged"
ktap_is "$(gomem_check)" ok "the heap is sound"
fill_cmd hog stop
fill_cmd free random
ktap_is $? 0 "all are freed, undamaged"
fill_set effort 0
fill_set reserve $reserve
# The machine's memory is fragmented by now, so large objects may find no room.
fill_set size 1000
fill_cmd fill $amount && fill_cmd free lifo
ktap_is $? 0 "gomem serves as it did"
ktap_is "$(trouble)" "" "nobody was killed"
unload_all
gomem_finished
