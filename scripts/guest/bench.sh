#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# bench.sh - the part of scripts/bench that runs in the virtual machine. It runs
# the scenarios of gomem_bench.ko that the file plan lists, one "SCENARIO SIZE"
# on each line.
#
#	bench.sh ROUNDS REPEAT SCALE	ROUNDS: how often each line is run.
#					REPEAT, SCALE: parameters of the module
#
# It prints lines for the host:
#
#	info NAME VALUE			a property of the machine
#	run SCENARIO SIZE		the following results are of this run
#	cost ..., rate ..., held ...	see tests/bench/main.c
#	failed SCENARIO SIZE		this scenario failed
#	done				all scenarios were tried

params=/sys/module/gomem_bench/parameters
debug=/sys/kernel/debug/gomem

info()
{
	echo "info $1 $2"
}

# Give back the memory that gomem and kmalloc() still hold from the last
# scenario, so that all scenarios start alike. Only the caches of plain
# kmalloc() are shrunk: the scenarios use no others.
settle()
{
	echo 1 >$debug/scavenge
	for cache in /sys/kernel/slab/kmalloc-[0-9]*/shrink /sys/kernel/slab/kmalloc-rnd*/shrink; do
		[ ! -e "$cache" ] || echo 1 >"$cache"
	done
}

result()
{
	while read -r line; do
		echo "$line"
	done <$params/result
}

# one SCENARIO SIZE: run a scenario several times. Results depend on the free
# objects that the allocators cache, so each round begins with emptied caches.
# The function starts no program: in User-Mode Linux, that would take longer than
# the measurement.
one()
{
	echo "run $1 $2"
	for _ in $rounds; do
		settle
		if echo "$1 $2" 2>/dev/null >$params/run; then
			result
		else
			echo "failed $1 $2"
			return
		fi
	done
}

stat()
{
	awk -v key="$1:" '$1 == key { print $2 }' $debug/stats
}

rounds=$(seq "$1")
# Do not let the scheduler stop a real-time task after 0.95 s of each second.
echo -1 >/proc/sys/kernel/sched_rt_runtime_us 2>/dev/null
insmod gomem.ko && insmod gomem_bench.ko "repeat=$2" "scale=$3" || exit 1

info release "$(uname -r)"
info cpus "$(nproc)"
info cmdline "$(cat /proc/cmdline)"
info clearing "$(dmesg | sed -n 's/.*mem auto-init: //p' | head -n 1)"
for file in /sys/devices/system/cpu/vulnerabilities/*; do
	[ ! -e "$file" ] || info "${file##*/}" "$(cat "$file")"
done
info mcache_sys "$(stat mcache_sys)"
info classes "$(grep -c '^ *[0-9]' $debug/classes_all)"

while read -r scenario size; do
	one "$scenario" "$size"
done <plan
rmmod gomem_bench && rmmod gomem && echo "done"
