#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# fault_injection.sh - the kernel's page allocator fails, now and then and all the
# time; allocations then fail, and nothing else does.

# shellcheck source=tests/kselftest/ktap.sh
. "$(dirname "$0")/ktap.sh"

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
	insmod gomem_torture.ko seconds=3 delay=2 may_fail=1 &
	pid=$!
	sleep 1
	setup "$1" "$2"
	wait $pid
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

ktap_header
ktap_plan 26
total=0
run 100 4
run 10 1
run 50 1
run 90 1
run 100 1
[ $total -gt 20 ]
ktap_is $? 0 "allocations did fail and fall back"
ktap_finish
