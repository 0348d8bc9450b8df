#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# cpu_hotplug.sh - CPUs go and come under load; what they cached is not lost.
#
# machine: --cpus=3

# shellcheck source=tests/kselftest/ktap.sh
. "$(dirname "$0")/ktap.sh"

cpus=$(find /sys/devices/system/cpu -name online -path '*/cpu[1-9]*' | sort)
[ -n "$cpus" ] || ktap_skip_all "no CPU can be taken offline"
seconds=${HOTPLUG_SECONDS:-8}

ktap_header
ktap_plan 8
insmod gomem.ko || exit 1

# A CPU of a busy debug kernel may take most of that time to come: then once more.
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
ktap_true "they did, $rounds times" [ $rounds -gt 2 ]
ktap_is "$(gomem_stat cpu_drains)" "$rounds" "each was drained"

# A CPU that is gone holds nothing: what the others cached is gone with the unload.
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
echo 1 >/sys/kernel/debug/gomem/check
ktap_is "$(cat /sys/kernel/debug/gomem/check)" ok "the heap is sound"
dmesg -c >/dev/null
rmmod gomem
ktap_is $? 0 "unload"
dmesg | grep -q 'gomem: unloaded: every object and page came back'
ktap_is $? 0 "every object and page came back"
ktap_finish
