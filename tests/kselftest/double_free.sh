#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# double_free.sh - after a double free, gomem hands the object to one owner
# only, and logs the function that freed it. For comparison, the test does the
# same with kmalloc() on kernels with sheaves, 7.0 and newer. There SLUB hands
# the object to two owners without a message.
#
# machine: --cpus=1
# make check: not on a debug kernel

# shellcheck source=tests/kselftest/ktap.sh
. "$(dirname "$0")/ktap.sh"

sheaves=/sys/kernel/slab/kmalloc-128/sheaf_capacity

# twice ALLOCATOR: print what the module and the kernel log, without the time
# stamps, and without the message that the first out-of-tree module taints the
# kernel.
twice()
{
	dmesg -c >/dev/null
	insmod gomem_twice.ko of="$1" || return
	rmmod gomem_twice
	dmesg | sed 's/^\[ *[0-9.]*\] *\(\[ *[TC][0-9]*\] *\)*//; / taints kernel\.$/d'
}

# A sheaf is SLUB's per-CPU array of free objects. It holds all objects that the
# CPU frees in this test. So two allocations get the same object.
kmalloc_case()
{
	name="kmalloc() hands the object out to two owners, and nobody says so"
	if [ ! -e $sheaves ] || debug_kernel; then
		ktap_test_skip "$name" "this kernel's slab allocator stops at a second free"
		return
	fi
	ktap_is "$(twice kmalloc)" "gomem_twice: kmalloc: freed twice, and handed out to two owners" \
		"$name"
}

ktap_print_header
ktap_set_plan 11
need_insmod gomem.ko
kmalloc_case
said=$(twice gomem)
ktap_is "$(echo "$said" | grep -c '^gomem_twice: gomem: freed twice, and handed out once$')" 1 \
	"gomem hands the object out to one owner"
ktap_is "$(echo "$said" | grep -c '^gomem: double free: .* by gomem_twice_init+')" 1 \
	"gomem says who freed it the second time"
ktap_is "$(gomem_stat double_frees_detected)" 1 "and counts it"

# stacks TEXT: print which stacks of a report contain a function of the module:
# that of the allocation, or that of the first free.
stacks()
{
	echo "$1" | awk '
		$1 == "gomem:" && /: [0-9.]+ s ago, by / { which = $2 }
		$1 == "gomem:" && $2 == "at:" && /gomem_twice/ && which && !(which in seen) {
			print which, "gomem_twice"
			seen[which]
		}'
}

# At this rate gomem records each allocation. So the report has the stacks of
# the allocation and of the first free.
echo 1 >/sys/module/gomem/parameters/profile_rate
said=$(twice gomem)
ktap_is "$(stacks "$said")" "allocated: gomem_twice
freed: gomem_twice" "a report on a sampled object has the stacks of its allocation and first free"
ktap_is "$(echo "$said" | grep -c 'gomem: \(allocated\|freed\): [0-9.]* s ago, by insmod\[[0-9]*\]$')" 2 \
	"with the task, and its age"
ktap_is "$(echo "$said" | grep -c 'gomem: at: .*0x[0-9a-f]\{12\}')" 0 "and without addresses"
echo N >/sys/module/gomem/parameters/report_stacks
said=$(twice gomem)
ktap_is "$(echo "$said" | grep -c 'gomem: at: ')" 0 "nor are there stacks without report_stacks"
echo Y >/sys/module/gomem/parameters/report_stacks
echo 0 >/sys/module/gomem/parameters/profile_rate
said=$(twice gomem)
ktap_is "$(echo "$said" | grep -c '^gomem: double free: ')" 1 "without a profile the report is there"
ktap_is "$(stacks "$said" | grep -c allocated)" 0 "and has no stack of the allocation"
rmmod gomem
gomem_finished
