#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# giveback_flat.sh - giving a MiB back to the kernel, and searching in vain for a
# MiB to give back, costs at most 1.2 times as much in a heap of 64 GiB as in one
# of 256 MiB. The cost is counted in instructions, which only an emulated machine
# can do.
#
# machine: --accel=icount --cpus=1
# machine debug: --accel=tcg
# make check: not on a debug kernel
# make check: not on an older kernel

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/kselftest/ktap.sh
. "$here/ktap.sh"

[ "$(nproc)" = 1 ] || skip_test "instructions are counted on one CPU only"

ktap_print_header
ktap_set_plan 3
insmod gomem_giveback.ko
ktap_is $? 0 "all heaps are scavenged"
ktap_print_msg "$(dmesg | sed -n 's/.*gomem_giveback: //p')"
worst=$(dmesg | sed -n 's/.*gomem_giveback: worst ratio \([0-9.]*\).*/\1/p' | tail -n 1)
if debug_kernel; then
	ktap_test_skip "64 GiB cost at most 1.2 times as much as 256 MiB" "times depend on the host"
else
	awk -v worst="${worst:-9}" 'BEGIN { exit !(worst <= 1.2) }'
	ktap_is $? 0 "64 GiB cost at most 1.2 times as much as 256 MiB: ${worst:-nothing}"
fi
rmmod gomem_giveback
gomem_finished
