#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# cpu_hotplug.sh - CPUs go offline and come back under load. The objects and
# pages that they cached are not lost.
#
# machine: --cpus=3

# shellcheck source=tests/kselftest/ktap.sh
. "$(dirname "$0")/ktap.sh"

cpus=$(find /sys/devices/system/cpu -name online -path '*/cpu[1-9]*' | sort)
[ -n "$cpus" ] || skip_test "no CPU can be taken offline"
seconds=${HOTPLUG_SECONDS:-8}

ktap_print_header
ktap_set_plan 9
need_insmod gomem.ko

# On a busy debug kernel, a CPU may take most of a run to come online. So repeat
# the run until there were enough rounds.
rounds=0
rc=0
while [ $rc = 0 ] && [ $rounds -le 2 ]; do
	insmod gomem_torture.ko seconds="$seconds" &
	torture=$!
	while kill -0 $torture 2>/dev/null; do
		for cpu in $cpus; do
			echo 0 >"$cpu" && echo 1 >"$cpu" && rounds=$((rounds + 1))
		done
	done
	wait $torture
	rc=$?
	rmmod gomem_torture
done
ktap_is $rc 0 "torture while CPUs go and come"
ktap_test_result "they did, $rounds times" [ $rounds -gt 2 ]
ktap_is "$(gomem_stat cpu_drains)" "$rounds" "each was drained"

# An offline CPU keeps no objects or pages. Those that online CPUs cache are
# freed at unload, below.
for cpu in $cpus; do
	echo 0 >"$cpu"
done
ktap_is "$(gomem_stat mallocs)" "$(gomem_stat frees)" "mallocs and frees agree, dead CPUs included"
insmod gomem_torture.ko seconds=1
ktap_is $? 0 "torture on the one CPU left"
rmmod gomem_torture
for cpu in $cpus; do
	echo 1 >"$cpu"
done
ktap_is "$(gomem_check)" ok "the heap is sound"
dmesg -c >/dev/null
rmmod gomem
ktap_is $? 0 "unload"
gomem_came_back
gomem_finished
