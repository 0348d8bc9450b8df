#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# torture.sh - threads, softirqs and hard interrupts on all CPUs allocate
# objects and free each other's. Afterwards all counters agree.

# shellcheck source=tests/kselftest/ktap.sh
. "$(dirname "$0")/ktap.sh"

seconds=${TORTURE_SECONDS:-4}
[ -z "${KTAP_QUICK:-}" ] || seconds=$((seconds / 2))

run()
{
	insmod gomem_torture.ko seconds="$seconds" "$@"
	ktap_is $? 0 "torture $*"
	rmmod gomem_torture 2>/dev/null
	ktap_is "$(gomem_stat mallocs)" "$(gomem_stat frees)" "mallocs and frees agree"
	ktap_is "$(gomem_stat scratch_gets)" "$(gomem_stat scratch_puts)" "scratch buffers, too"
	ktap_is "$(gomem_stat arenas) $(gomem_stat arena_inuse)" "0 0" "no arena is left"
	ktap_is "$(gomem_check)" ok "the heap is sound"
}

ktap_print_header
ktap_set_plan 34
need_insmod gomem.ko
run
run max_size=4194304
run max_size=128
run interrupts=0
# With debug=1, gomem keeps destroyed arenas in quarantine and detects writes to
# them. Long epochs keep the quarantine from being emptied.
echo 86400000 >/sys/module/gomem/parameters/epoch_ms
echo 1 >/sys/module/gomem/parameters/debug
run max_size=8192
echo 0 >/sys/module/gomem/parameters/debug
ktap_test_result "arenas are in quarantine" [ "$(gomem_stat arena_quarantined)" -gt 0 ]
ktap_is "$(gomem_stat arena_writes_after_destroy_detected)" 0 "nobody wrote to them"
for key in softirq_allocs softirq_frees hardirq_allocs hardirq_frees; do
	n=$(gomem_stat $key)
	case $(uname -v) in
	*PREEMPT_RT*)
		ktap_test_skip "$key counted" "on PREEMPT_RT these are tasks"
		continue
		;;
	esac
	[ "$n" -gt 0 ]
	ktap_is $? 0 "$key counted: $n"
done
dmesg -c >/dev/null
rmmod gomem
ktap_is $? 0 "unload"
gomem_came_back
gomem_finished
