#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# pressure.sh - the machine runs out of memory while gomem has free pages. The
# kernel gets them through the shrinker before it kills a task. This also holds
# when gomem itself asks for the memory, for a client.
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

# On the debug kernel each page takes longer, because of KASAN. KASAN also keeps
# memory that any code frees for a while, so the script needs a larger reserve,
# also where it is to be small: the shell has to start programs meanwhile.
if debug_kernel; then
	amount=25
	reserve=64
	small_reserve=32
else
	amount=50
	reserve=24
	small_reserve=8
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

need_insmod gomem.ko epoch_ms=86400000
need_params epoch_ms
need_keys heap_released scavenged_shrinker
need_insmod gomem_fill.ko reserve=$reserve

ktap_print_header
ktap_set_plan 27
dmesg -c >/dev/null

# All objects were freed, and no other user has taken the memory.
fill_cmd fill $amount
ktap_is $? 0 "$amount % of memory are filled"
fill_cmd free random
ktap_is $? 0 "and freed, undamaged"
idle=$(free_pages_of_heap)
shrunk=$(gomem_stat scavenged_shrinker)
released=$(gomem_stat heap_released)
stats_line "idle"
free=$(free_bytes)
fill_cmd hog max
ktap_is $? 0 "a hog takes all memory there is"
stats_line "hog"
shrunk=$(($(gomem_stat scavenged_shrinker) - shrunk))
released=$(($(gomem_stat heap_released) - released))
ktap_test_result "the shrinker gave $(percent "$shrunk" "$idle") % of the idle pages, at least 80" \
	[ "$shrunk" -ge $((idle * 80 / 100)) ]
ktap_test_result "which are among those given back: $released bytes" [ "$released" -ge "$shrunk" ]
ktap_test_result "the hog got more than was free" [ "$(fill_stat hog_bytes)" -gt "$free" ]
ktap_is "$(heap_verdict)" ok "the heap is sound"
# Allocate from what the hog has left. The blocks may be short, so use an effort
# that lets the kernel compact memory.
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

# The same with live objects in between: half of the pages cannot be given back.
fill_cmd free half random
ktap_is $? 0 "half of the objects are freed, undamaged"
idle=$(free_pages_of_heap)
shrunk=$(gomem_stat scavenged_shrinker)
fill_cmd hog max
stats_line "hog, among objects"
shrunk=$(($(gomem_stat scavenged_shrinker) - shrunk))
ktap_test_result "the shrinker finds pages between objects: $(percent "$shrunk" "$idle") %, at least 50" \
	[ "$shrunk" -ge $((idle * 50 / 100)) ]
fill_cmd verify
ktap_is $? 0 "and leaves the objects alone"
ktap_is "$(heap_verdict)" ok "the heap is sound"
fill_cmd hog stop
fill_cmd free all other
ktap_is $? 0 "all are freed, undamaged"

# A client allocates while the hog does. The memory is enough for both if
# gomem's idle pages come back, which GFP_KERNEL makes happen, and for the
# kernel, which keeps some of it.
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

# Allocations inside reclaim. Objects over 32 KiB find no run between the live
# objects, so the heap has to grow. The memory that the kernel reclaims for that
# is the heap's own.
fill_cmd fill $amount && fill_cmd free 70 random
fill_cmd hog max
fill_cmd verify
ktap_is $? 0 "the objects left are undamaged"
fill_set effort 1
large_before=$(gomem_stat large_mallocs)
fill_cmd fill 95
ktap_test_result "without end it fails in the end" [ $? -ne 0 ]
echo "# large objects made meanwhile: $(($(gomem_stat large_mallocs) - large_before))"
stats_line "without end"
fill_cmd verify
ktap_is $? 0 "the objects are undamaged"
ktap_is "$(heap_verdict)" ok "the heap is sound"
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
