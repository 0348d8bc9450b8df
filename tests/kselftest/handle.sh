#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# handle.sh - a module that was built with linux/gomem_override.h passes its
# caches to the kernel. Objects that the kernel allocates from such a cache come
# from the kernel's allocator, those of the module from gomem. Each is freed to
# the allocator that owns its address.
#
# machine: --cpus=1
# make check: in User-Mode Linux

# shellcheck source=tests/kselftest/ktap.sh
. "$(dirname "$0")/ktap.sh"

# Count the twins, the kernel's caches that gomem creates for caches of modules.
# Each has a directory in sysfs.
twins()
{
	find /sys/kernel/slab -maxdepth 1 -name 'gomem-*' | wc -l
}

ktap_print_header
ktap_set_plan 8
need_insmod gomem.ko
dmesg -c >/dev/null
before=$(gomem_stat mallocs)
insmod gomem_handle.ko
ktap_is $? 0 "the kernel allocates from a module's caches, and so does the module"
ktap_print_msg "$(dmesg | grep 'gomem_handle')"
ktap_is "$([ "$(gomem_stat mallocs)" -ge $((before + 80)) ] && echo enough)" enough \
	"memory of the module's is gomem's"
ktap_is "$(grep -E '_(detected|refused): [1-9]' "$gomem_stats")" "" "and gomem has nothing against it"
ktap_is "$(twins)" 0 "all handles are gone"
rmmod gomem_handle
ktap_is "$(gomem_check)" ok "the heap is sound"
ktap_log_lacks 'gomem: ' "nothing is reported"
rmmod gomem
gomem_came_back
gomem_finished
