#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# fault_injection.sh - the kernel's page allocator fails, now and then and all the
# time; allocations then fail, and nothing else does. With no blocks over 32 KiB to
# be had, what fits into one works on, at any volume; with no blocks at all a new heap
# gives NULL, and says no more than that.

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/kselftest/ktap.sh
. "$here/ktap.sh"
# shellcheck source=tests/kselftest/fill.lib
. "$here/fill.lib"

inject=/sys/kernel/debug/fail_page_alloc
[ -e $inject/require-start ] || ktap_skip_all "this kernel cannot make gomem's pages fail"

# setup PROBABILITY MIN_ORDER: where gomem is among the callers, and nowhere else;
# the machine needs pages too. Probability last: then the rest is in place.
setup()
{
	text=$(cat /sys/module/gomem/sections/.text)
	size=$(cat /sys/module/gomem/coresize)
	echo "$text" >$inject/require-start
	printf '%#x' $((text + size)) >$inject/require-end
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
trap quiet EXIT

# A heap that is new, so that it has to grow under injection.
run()
{
	insmod gomem.ko || exit 1
	setup "$1" "$2"
	insmod gomem_torture.ko seconds=$seconds may_fail=1
	rc=$?
	quiet
	ktap_is $rc 0 "torture with $1 % of allocations of order $2 and above failing"
	rmmod gomem_torture 2>/dev/null
	ktap_is "$(gomem_stat mallocs)" "$(gomem_stat frees)" "mallocs and frees agree"
	echo 1 >/sys/kernel/debug/gomem/check
	ktap_is "$(cat /sys/kernel/debug/gomem/check)" ok "the heap is sound"
	for key in alloc_failures grow_fallbacks grow_failures; do
		echo "# $key: $(gomem_stat $key)"
		total=$((total + $(gomem_stat $key)))
	done
	insmod gomem_torture.ko seconds=1
	ktap_is $? 0 "all is well once pages are there again"
	rmmod gomem_torture
	dmesg -c >/dev/null
	rmmod gomem
	dmesg | grep -q 'gomem: unloaded: every object and page came back'
	ktap_is $? 0 "every object and page came back"
}

# What a slow machine allocates in the seconds above may be too little to fail 20 times.
fail_more()
{
	insmod gomem.ko || exit 1
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

# A new heap, and pages of MIN_ORDER and above that it cannot have.
start()
{
	insmod gomem.ko && insmod gomem_fill.ko || exit 1
	dmesg -c >/dev/null
	setup 100 "$1"
}

# fails SIZE: no object of it can be had.
fails()
{
	fill_set size "$1"
	fill_cmd fill 4M
	ktap_is "$? $(fill_stat objects)" "1 0" "objects of $1 bytes: none"
}

# works SIZE MIB
works()
{
	fill_set size "$1"
	fill_cmd fill $(($2 / share))M
	ktap_is $? 0 "objects of $1 bytes: $(($2 / share)) MiB"
	fill_cmd free random
}

# Spans that are longer than the longest block: such an object is there or not, as
# blocks happen to be neighbours.
long_spans()
{
	sizes=$(awk 'NR > 2 && $2 == 0 && $3 > 32768 { printf "%d ", $1 }' $gomem_dir/classes)
	served=
	for size in $sizes; do
		fill_set size "$size"
		fill_cmd fill 1M && served="$served $size"
		fill_cmd free random
	done
	ktap_is "$(fill_stat objects) $(fill_stat damaged)" "0 0" "objects in spans over 32 KiB: there or not"
	ktap_diag "of $sizes"
	ktap_diag "served:${served:- none}"
}

# All is well again once pages are.
end()
{
	quiet
	works 4194304 16
	works 0 16
	ktap_is "$(fill_stat damaged)" 0 "no object was damaged"
	ktap_is "$(gomem_stat mallocs)" "$(gomem_stat frees)" "mallocs and frees agree"
	ktap_is "$(heap_verdict)" ok "the heap is sound"
	ktap_is "$(trouble)" "" "nothing was reported"
	unload_all
}

# The largest first: objects that were freed leave blocks side by side, which make
# longer runs than the kernel gives.
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

# A page of gomem's is two of the kernel's.
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

ktap_header
ktap_plan 57
total=0
# A second is enough of each, and a fourth of the memory, if it is not all that is done.
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
ktap_diag "no blocks over 32 KiB"
no_long_blocks
ktap_diag "no blocks"
no_blocks
ktap_finish
