#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# oom.sh - when the kernel is out of memory, gomem logs one line, with the
# function that holds the most memory, be it of one size or of many.
#
# make check: not on a debug kernel

# shellcheck source=tests/kselftest/ktap.sh
. "$(dirname "$0")/ktap.sh"

[ -w /proc/sysrq-trigger ] || skip_test "this kernel has no sysrq"

# Start a process, and let the kernel's out-of-memory killer end it.
kill_one()
{
	sleep 1000 &
	echo 1000 >/proc/$!/oom_score_adj
	echo f >/proc/sysrq-trigger
	wait $!
}

ktap_print_header
ktap_set_plan 7
need_insmod gomem.ko profile_rate=4096
dmesg -c >/dev/null
kill_one
ktap_log_lacks 'gomem: out of memory' "without memory of gomem's there is no line"
need_insmod gomem_holds.ko mib=20 turns=1000
dmesg -c >/dev/null
kill_one
kill_one
line=$(dmesg | grep 'gomem: out of memory')
ktap_is "$(echo "$line" | wc -l)" 1 "one line in five seconds"
ktap_is "$(echo "$line" | sed -n 's/.*KiB free; most by \([a-z_]*\)+.*/\1/p')" holds_much \
	"it names the function that holds the most"
ktap_is "$(echo "$line" | grep -c "0x[0-9a-f]\{12\}")" 0 "and has no address"
rmmod gomem_holds
rmmod gomem

# One function of this client has the most, but another one has more of a size.
# Each object is recorded. Samples would depend on the speed of the machine: the
# faster a CPU allocates, the fewer objects it records, and the larger is the
# error of the sums.
need_insmod gomem.ko profile_rate=1
insmod gomem_mixed.ko kib=64
dmesg -c >/dev/null
kill_one
ktap_is "$(dmesg | sed -n 's/.*KiB free; most by \([a-z_]*\)+.* KiB, \([a-z_]*\)+.*/\1 \2/p')" \
	"mixes_sizes one_size" "all sizes of a function count"
rmmod gomem_mixed
rmmod gomem

# gomem also logs a line if it only has free pages, which it gives back when the
# kernel is out of memory. These parameters keep free pages in the heap until
# then: frees give none back, and no epoch ends.
need_insmod gomem.ko scavenge_percent=1000 epoch_ms=86400000
insmod gomem_holds.ko mib=20 turns=1000
rmmod gomem_holds
dmesg -c >/dev/null
kill_one
given=$(dmesg | sed -n 's/.*gomem: out of memory: \([0-9]*\) KiB given back, [0-9]* KiB in spans.*/\1/p')
ktap_test_result "it says how much was given back (${given:-nothing})" [ "${given:-0}" -ge 10000 ]
rmmod gomem
gomem_finished
