#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# find_flat.sh - a search for pages costs the same in a heap of 64 MiB and of 16 GiB,
# but for a fifth. Counted in instructions, which takes an emulated machine; the debug
# kernel, for which that takes too long, only has to come through.
#
# machine: --accel=icount --cpus=1
# machine debug: --accel=tcg
# make check: not on a debug kernel
# make check: not on an older kernel

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/kselftest/ktap.sh
. "$here/ktap.sh"

[ "$(nproc)" = 1 ] || ktap_skip_all "instructions are counted on one CPU only"

ktap_header
ktap_plan 2
insmod gomem_find.ko
ktap_is $? 0 "all heaps are searched"
worst=$(dmesg | sed -n 's/.*gomem_find: worst ratio \([0-9.]*\).*/\1/p' | tail -n 1)
if debug_kernel; then
	ktap_skip "16 GiB cost at most 1.2 times as much as 64 MiB" "times depend on the host"
else
	awk -v worst="${worst:-9}" 'BEGIN { exit !(worst <= 1.2) }'
	ktap_is $? 0 "16 GiB cost at most 1.2 times as much as 64 MiB: ${worst:-nothing}"
fi
rmmod gomem_find
ktap_finish
