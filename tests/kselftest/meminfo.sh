#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# meminfo.sh - the kernel counts the free pages of gomem's heaps as reclaimable.
# When gomem is unloaded, the kernel's count is as before.
#
# machine: --cpus=1
# make check: in User-Mode Linux

# shellcheck source=tests/kselftest/ktap.sh
. "$(dirname "$0")/ktap.sh"

ktap_print_header
ktap_set_plan 9

# told: print the KiB that the kernel counts as reclaimable kernel memory.
# Reading stat_refresh adds the per-CPU counters to this count.
told()
{
	cat /proc/sys/vm/stat_refresh 2>/dev/null
	awk '$1 == "nr_kernel_misc_reclaimable" { print $2 * 4 }' /proc/vmstat
}

# meminfo KEY: print a value in KiB.
meminfo()
{
	sed -n "s/^$1: *\([0-9]*\) kB/\1/p" /proc/meminfo
}

# off A B: print by how much two numbers differ.
off()
{
	echo $(($1 > $2 ? $1 - $2 : $2 - $1))
}

idle()
{
	echo $(($(gomem_stat heap_idle) / 1024))
}

[ "$(getconf PAGESIZE 2>/dev/null || echo 4096)" = 4096 ] || skip_test "pages are not of 4 KiB"
before=$(told)
[ -n "$before" ] || skip_test "this kernel has no such counter"

# With these parameters free pages stay in the heap: neither frees nor looks in
# the next minutes give pages back.
need_insmod gomem.ko scavenge_percent=1000 epoch_ms=600000
ktap_test_result "without objects there is next to nothing" [ "$(off "$(told)" "$before")" -le 1024 ]
insmod gomem_holds.ko mib=40 turns=1000
ktap_test_result "memory in use is not reclaimable" [ "$(off "$(told)" "$before")" -le 3072 ]
in_use=$(meminfo MemAvailable)
reclaimable=$(meminfo KReclaimable)
rmmod gomem_holds
ktap_test_result "the heap has free pages ($(idle) KiB)" [ "$(idle)" -ge 38000 ]
ktap_test_result "the kernel knows of them ($(off "$(told)" "$before") KiB)" \
	[ "$(off $(($(told) - before)) "$(idle)")" -le 2048 ]
ktap_test_result "they are in KReclaimable ($reclaimable, now $(meminfo KReclaimable))" \
	[ $(($(meminfo KReclaimable) - reclaimable)) -ge 36000 ]
ktap_test_result "and in MemAvailable ($in_use, now $(meminfo MemAvailable))" \
	[ $(($(meminfo MemAvailable) - in_use)) -ge 18000 ]
insmod gomem_holds.ko mib=40 turns=1000
ktap_test_result "what is used again is not ($(off "$(told)" "$before") KiB)" \
	[ "$(off "$(told)" "$before")" -le 3072 ]
rmmod gomem_holds
rmmod gomem
ktap_is "$(told)" "$before" "after the unload there is nothing left, to the page"
gomem_finished
