#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# giveback_flat.sh - to give a MiB back, and to look for one in vain, costs the same in a
# heap of 256 MiB and of 64 GiB, but for a fifth. Counted in instructions, which takes an
# emulated machine.
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
insmod gomem_giveback.ko
ktap_is $? 0 "all heaps are scavenged"
ktap_diag "$(dmesg | sed -n 's/.*gomem_giveback: //p')"
worst=$(dmesg | sed -n 's/.*gomem_giveback: worst ratio \([0-9.]*\).*/\1/p' | tail -n 1)
if debug_kernel; then
	ktap_skip "64 GiB cost at most 1.2 times as much as 256 MiB" "times depend on the host"
else
	awk -v worst="${worst:-9}" 'BEGIN { exit !(worst <= 1.2) }'
	ktap_is $? 0 "64 GiB cost at most 1.2 times as much as 256 MiB: ${worst:-nothing}"
fi
rmmod gomem_giveback
ktap_finish
