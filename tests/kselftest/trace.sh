#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# trace.sh - each trace event of gomem exists, and occurs when a client
# allocates, frees and misuses memory.
#
# machine: --cpus=1
# make check: not on a debug kernel

# shellcheck source=tests/kselftest/ktap.sh
. "$(dirname "$0")/ktap.sh"

tracing=/sys/kernel/tracing
log=/tmp/trace.log
EVENTS="refill flush span_alloc span_free grow scavenge report sample_alloc sample_free"

[ -d $tracing/events ] || mount -t tracefs tracefs $tracing 2>/dev/null
[ -d $tracing/events ] || skip_test "this kernel has no tracefs"

ktap_print_header
ktap_set_plan 13
need_insmod gomem.ko

here=
for dir in "$tracing"/events/gomem/*/; do
	here="$here $(basename "$dir")"
done
# shellcheck disable=SC2086 # lists of words
ktap_is "$(printf '%s\n' $here | sort)" "$(printf '%s\n' $EVENTS | sort)" "the events are there"

echo 1 >/sys/module/gomem/parameters/profile_rate
echo 4096 >$tracing/buffer_size_kb
echo 1 >$tracing/events/gomem/enable
need_insmod gomem_holds.ko mib=2 turns=1000
# Read the trace while the client is loaded: afterwards its functions have no
# names.
cat $tracing/trace >$log
rmmod gomem_holds
insmod gomem_twice.ko of=gomem
rmmod gomem_twice
echo 1 >/sys/kernel/debug/gomem/scavenge
echo 0 >$tracing/events/gomem/enable
cat $tracing/trace >>$log
for event in $EVENTS; do
	grep -q "$event: " $log
	ktap_is $? 0 "$event happens"
done
ktap_is "$(sed -n 's/.* report: what=//p' $log | sort -u)" double_frees_detected \
	"a report names the misuse"
ktap_is "$(grep -c 'sample_alloc: call_site=holds_much+.* bytes_alloc=256$' $log)" 8192 \
	"a sampled allocation has its caller and size"
echo >$tracing/trace
rm $log
rmmod gomem
gomem_finished
