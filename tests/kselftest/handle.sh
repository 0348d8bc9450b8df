#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# handle.sh - a module that was built with linux/gomem_override.h hands its caches to the
# kernel. What the kernel allocates by such a handle is the kernel's, what the module does
# is gomem's, and each is freed by where it lies.

# shellcheck source=tests/kselftest/ktap.sh
. "$(dirname "$0")/ktap.sh"

# Directories of caches that stand for gomem's.
twins()
{
	find /sys/kernel/slab -maxdepth 1 -name 'gomem-*' | wc -l
}

ktap_header
ktap_plan 7
insmod gomem.ko || exit 1
dmesg -c >/dev/null
before=$(gomem_stat mallocs)
insmod gomem_handle.ko
ktap_is $? 0 "the kernel allocates from a module's caches, and so does the module"
ktap_diag "$(dmesg | grep 'gomem_handle')"
ktap_is "$([ "$(gomem_stat mallocs)" -ge $((before + 80)) ] && echo enough)" enough \
	"memory of the module's is gomem's"
ktap_is "$(grep -E '_(detected|refused): [1-9]' "$gomem_stats")" "" "and gomem has nothing against it"
ktap_is "$(twins)" 0 "all handles are gone"
rmmod gomem_handle
echo 1 >/sys/kernel/debug/gomem/check
ktap_is "$(cat /sys/kernel/debug/gomem/check)" ok "the heap is sound"
ktap_is "$(dmesg | grep -c 'gomem: ')" 0 "nothing is reported"
rmmod gomem
dmesg | grep -q 'gomem: unloaded: every object and page came back'
ktap_is $? 0 "unload, with every page"
ktap_finish
