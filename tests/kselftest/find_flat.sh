#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# find_flat.sh - a search for pages costs at most 1.2 times as much in a heap of
# 16 GiB as in one of 64 MiB. The cost is counted in instructions, which only an
# emulated machine can do. On the debug kernel the emulation would take too
# long. There the test module only has to finish.
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
insmod gomem_find.ko
ktap_is $? 0 "all heaps are searched"
worst=$(dmesg | sed -n 's/.*gomem_find: worst ratio \([0-9.]*\).*/\1/p' | tail -n 1)
if debug_kernel; then
	ktap_test_skip "16 GiB cost at most 1.2 times as much as 64 MiB" "times depend on the host"
elif [ -e /sys/kernel/debug/kcsan ]; then
	ktap_test_skip "16 GiB cost at most 1.2 times as much as 64 MiB" "KCSAN delays accesses at random"
else
	awk -v worst="${worst:-9}" 'BEGIN { exit !(worst <= 1.2) }'
	ktap_is $? 0 "16 GiB cost at most 1.2 times as much as 64 MiB: ${worst:-nothing}"
fi
rmmod gomem_find
gomem_finished
