#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# fault_injection.sh - the kernel's page allocator fails, sometimes or always.
# Then allocations from gomem fail, and nothing else does. If only blocks of
# more than 32 KiB fail, any number of objects that fit into smaller blocks can
# be allocated. If all blocks fail, gomem returns NULL and logs no error.
#
# machine: --cpus=1
# make check: not on an older kernel

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/kselftest/ktap.sh
. "$here/ktap.sh"
# shellcheck source=tests/kselftest/fill.lib
. "$here/fill.lib"

inject=/sys/kernel/debug/fail_page_alloc
[ -e $inject/require-start ] || skip_test "this kernel cannot make gomem's pages fail"

# setup PROBABILITY MIN_ORDER: make page allocations fail that have gomem in
# their call stack. Others must not fail, since the machine needs pages, too. So
# the probability is set last, when the filter is in place.
setup()
{
	text=$(cat /sys/module/gomem/sections/.text)
	size=$(cat /sys/module/gomem/coresize)
	echo "$text" >$inject/require-start
	add_hex "$text" "$size" >$inject/require-end
	echo 32 >$inject/stacktrace-depth
	echo "$2" >$inject/min-order
	echo -1 >$inject/times
	echo 0 >$inject/verbose
	echo N >$inject/ignore-gfp-wait
	echo N >$inject/task-filter
	echo "$1" >$inject/probability
}

quiet()
{
	echo 0 >$inject/probability
}
trap 'ktap_at_exit $? quiet' EXIT

# Run the torture test on a new heap, which has to grow while allocations fail.
run()
{
	need_insmod gomem.ko
	setup "$1" "$2"
	insmod gomem_torture.ko seconds=$seconds may_fail=1
	rc=$?
	quiet
	ktap_is $rc 0 "torture with $1 % of allocations of order $2 and above failing"
	rmmod gomem_torture 2>/dev/null
	ktap_is "$(gomem_stat mallocs)" "$(gomem_stat frees)" "mallocs and frees agree"
	ktap_is "$(gomem_check)" ok "the heap is sound"
	for key in alloc_failures grow_fallbacks grow_failures; do
		echo "# $key: $(gomem_stat $key)"
		total=$((total + $(gomem_stat $key)))
	done
	insmod gomem_torture.ko seconds=1
	ktap_is $? 0 "all is well once pages are there again"
	rmmod gomem_torture
	dmesg -c >/dev/null
	rmmod gomem
	gomem_came_back
}

# Repeat the test until there were more than 20 failures. A slow machine
# allocates less in the same time.
fail_more()
{
	need_insmod gomem.ko
	for _ in 1 2 3 4 5 6 7 8; do
		[ $total -le 20 ] || break
		setup 50 1
		insmod gomem_torture.ko seconds=3 may_fail=1 && rmmod gomem_torture
		quiet
		for key in alloc_failures grow_fallbacks grow_failures; do
			total=$((total + $(gomem_stat $key)))
		done
	done
	rmmod gomem
}

# start MIN_ORDER: load gomem and make all allocations of at least MIN_ORDER
# fail.
start()
{
	need_insmod gomem.ko
	need_insmod gomem_fill.ko
	dmesg -c >/dev/null
	setup 100 "$1"
}

# fails SIZE: no object of SIZE bytes can be allocated.
fails()
{
	fill_set size "$1"
	fill_cmd fill 4M
	ktap_is "$? $(fill_stat objects)" "1 0" "objects of $1 bytes: none"
}

# works SIZE MIB: MIB megabytes of objects of SIZE bytes can be allocated. SIZE
# 0 means mixed sizes.
works()
{
	fill_set size "$1"
	fill_cmd fill $(($2 / share))M
	ktap_is $? 0 "objects of $1 bytes: $(($2 / share)) MiB"
	fill_cmd free random
}

# Objects of size classes whose spans are longer than the longest available
# block. Such an allocation works only if blocks happen to be adjacent.
long_spans()
{
	sizes=$(awk '$1 > 0 && $2 == 0 && $3 > 32768 { printf "%d ", $1 }' $gomem_dir/classes_all)
	served=
	for size in $sizes; do
		fill_set size "$size"
		fill_cmd fill 1M && served="$served $size"
		fill_cmd free random
	done
	ktap_is "$(fill_stat objects) $(fill_stat damaged)" "0 0" "objects in spans over 32 KiB: there or not"
	ktap_print_msg "of $sizes"
	ktap_print_msg "served:${served:- none}"
}

# After the failures end, everything works again.
end()
{
	quiet
	works 4194304 16
	works 0 16
	ktap_is "$(fill_stat damaged)" 0 "no object was damaged"
	ktap_is "$(gomem_stat mallocs)" "$(gomem_stat frees)" "mallocs and frees agree"
	ktap_is "$(gomem_check)" ok "the heap is sound"
	ktap_is "$(trouble)" "" "nothing was reported"
	unload_all
}

# Let blocks of order 4 and above fail. Test the largest objects first: when
# smaller ones are freed, adjacent blocks form longer runs than the kernel
# provides.
no_long_blocks()
{
	start 4
	fails 4194304
	fails 1048576
	fails 40960
	long_spans
	works 16 4
	works 100 8
	works 1024 16
	works 8192 32
	works 32768 64
	end
}

# Let blocks of order 1 and above fail. gomem cannot use smaller ones, since its
# page is two kernel pages.
no_blocks()
{
	start 1
	sys=$(gomem_stat heap_sys)
	for size in 16 100 8192 32768 1048576; do
		fails $size
	done
	ktap_is "$(gomem_stat heap_sys)" "$sys" "the heap has not grown"
	end
}

ktap_print_header
ktap_set_plan 58
total=0
# In a quick run, each torture test takes one second, and a fourth of the memory
# is filled.
seconds=3 share=1
[ -z "${KTAP_QUICK:-}" ] || seconds=1 share=4
run 100 4
run 10 1
run 50 1
run 90 1
run 100 1
fail_more
[ $total -gt 20 ]
ktap_is $? 0 "allocations did fail and fall back"
ktap_print_msg "no blocks over 32 KiB"
no_long_blocks
ktap_print_msg "no blocks"
no_blocks
gomem_finished
