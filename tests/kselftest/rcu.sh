#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# rcu.sh - an object passed to gomem_free_rcu() stays unchanged as long as
# readers may access it, even if CPUs go offline. Clients and gomem can be
# unloaded while objects wait to be freed.
#
# machine: --cpus=3

# shellcheck source=tests/kselftest/ktap.sh
. "$(dirname "$0")/ktap.sh"

cpus=$(find /sys/devices/system/cpu -name online -path '*/cpu[1-9]*' | sort)
seconds=5
[ -z "${KTAP_QUICK:-}" ] || seconds=2
seconds=${RCU_SECONDS:-$seconds}

# Wait until no object waits to be freed. Give up if none was freed for 30 s.
settle()
{
	pending=$(gomem_stat rcu_pending)
	idle=0
	while [ "$pending" != 0 ] && [ $idle -lt 300 ]; do
		sleep 0.1
		last=$pending
		pending=$(gomem_stat rcu_pending)
		idle=$((idle + 1))
		[ "$pending" = "$last" ] || idle=0
	done
}

# Run readers and writers for a few seconds, and again if a slow machine has not
# freed enough objects to judge. Set frees and batches.
run_readers()
{
	for _ in 1 2 3 4 5 6 7 8; do
		insmod gomem_rcu.ko seconds="$seconds" last=0 || return
		rmmod gomem_rcu
		settle
		frees=$(gomem_stat rcu_frees)
		batches=$(gomem_stat rcu_batches)
		[ "$frees" -le 1000 ] || return 0
	done
}

# Run writers that free without waiting for readers. Repeat until a reader saw a
# freed entry: then the module does not load.
run_broken()
{
	for _ in 1 2 3 4 5 6 7 8; do
		insmod gomem_rcu.ko seconds=3 broken=1 2>/dev/null || return
		rmmod gomem_rcu
	done
}

ktap_print_header
ktap_set_plan 13
need_insmod gomem.ko

run_readers
ktap_is $? 0 "readers see no object change"
ktap_is "$(gomem_stat rcu_pending) $(gomem_stat heap_objects)" "0 0" "all of them are freed"
in_batches()
{
	[ "$frees" -gt 1000 ] && [ "$batches" -gt 0 ] && [ $((batches * 5)) -lt "$frees" ]
}
ktap_test_result "in batches" in_batches
ktap_print_msg "$frees objects, $batches batches"

# CPUs go offline while their RCU queues have objects.
insmod gomem_rcu.ko seconds="$seconds" last=0 &
pid=$!
rounds=0
while [ -n "$cpus" ] && kill -0 $pid 2>/dev/null; do
	for cpu in $cpus; do
		echo 0 >"$cpu" && rounds=$((rounds + 1))
	done
	for cpu in $cpus; do
		echo 1 >"$cpu"
	done
done
wait $pid
ktap_is $? 0 "while CPUs go and come, too"
ktap_print_msg "$rounds times"
rmmod gomem_rcu
for cpu in $cpus; do
	echo 0 >"$cpu"
done
settle
ktap_is "$(gomem_stat rcu_pending) $(gomem_stat heap_objects)" "0 0" "all of them are freed"
for cpu in $cpus; do
	echo 1 >"$cpu"
done
ktap_is "$(gomem_check)" ok "the heap is sound"

# The readers detect a changed object. With KASAN, which also checks gomem's
# objects, KASAN would detect the access first.
if grep -q ' kasan_' /proc/kallsyms; then
	ktap_test_skip "a writer that does not wait for readers is found out" "KASAN is there"
else
	! run_broken
	ktap_is $? 0 "a writer that does not wait for readers is found out"
fi
ktap_is "$(gomem_stat writes_after_free_detected)$(gomem_stat double_frees_detected)" 00 \
	"there was no misuse"

insmod gomem_rcu.ko seconds=1 last=100000
waiting=$(gomem_stat rcu_pending)
rmmod gomem_rcu
ktap_is $? 0 "a client goes right after it freed many"
ktap_print_msg "$waiting of them waited"
dmesg -c >/dev/null
rmmod gomem
ktap_is $? 0 "and so does gomem"
gomem_came_back
insmod gomem.ko && rmmod gomem
ktap_is $? 0 "and comes again"
gomem_finished
