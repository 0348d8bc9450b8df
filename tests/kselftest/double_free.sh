#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# double_free.sh - an object that is freed twice has one owner afterwards, and the log
# says who freed it. kmalloc() beside it, on kernels where SLUB hands the object out to
# two owners and says nothing: those with sheaves, 7.0 and newer.
#
# make check: not on a debug kernel

# shellcheck source=tests/kselftest/ktap.sh
. "$(dirname "$0")/ktap.sh"

sheaves=/sys/kernel/slab/kmalloc-128/sheaf_capacity

# twice ALLOCATOR: what the module and the kernel say of it, without the time. Not the
# kernel's word on the first test module that it loads.
twice()
{
	dmesg -c >/dev/null
	insmod gomem_twice.ko of="$1" || return
	rmmod gomem_twice
	dmesg | sed 's/^\[ *[0-9.]*\] *\(\[ *[TC][0-9]*\] *\)*//; / taints kernel\.$/d'
}

# One of the kernel's sheaves holds all that a CPU frees: on one CPU it is the same.
kmalloc_case()
{
	name="kmalloc() hands the object out to two owners, and nobody says so"
	if [ ! -e $sheaves ] || debug_kernel; then
		ktap_skip "$name" "this kernel's slab allocator stops at a second free"
		return
	fi
	ktap_is "$(twice kmalloc)" "gomem_twice: kmalloc: freed twice, and handed out to two owners" \
		"$name"
}

ktap_header
ktap_plan 4
insmod gomem.ko || exit 1
kmalloc_case
said=$(twice gomem)
ktap_is "$(echo "$said" | grep -c '^gomem_twice: gomem: freed twice, and handed out once$')" 1 \
	"gomem hands the object out to one owner"
ktap_is "$(echo "$said" | grep -c '^gomem: double free: .* by gomem_twice_init+')" 1 \
	"gomem says who freed it the second time"
ktap_is "$(gomem_stat double_frees_detected)" 1 "and counts it"
rmmod gomem
ktap_finish
