#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# bench.sh - the part of scripts/bench that runs in the machine: the scenarios of
# gomem_bench.ko that the file plan lists, a line each: SCENARIO SIZE.
#
#	bench.sh ROUNDS REPEAT SCALE	how often each is run; parameters of the module
#
# Prints lines for the host:
#
#	info NAME VALUE			what the machine is like
#	run SCENARIO SIZE		the results that follow are those of this one
#	cost ..., rate ..., held ...	as tests/bench/main.c has them
#	failed SCENARIO SIZE		it did not run
#	done				all were tried

params=/sys/module/gomem_bench/parameters
debug=/sys/kernel/debug/gomem

info()
{
	echo "info $1 $2"
}

# What memory gomem and kmalloc() have left from the last scenario goes back: each
# starts alike. The bench uses no caches for reclaimable objects and the like.
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

# Caches of free objects are in some state, which a scenario keeps up: each round begins
# with another one. No other program is started here, which takes User-Mode Linux longer
# than what is measured.
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
# The machine's own timers must not stop a real-time task after 0.95 of a second.
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
info classes "$(grep -c '^ *[0-9]' $debug/classes)"

while read -r scenario size; do
	one "$scenario" "$size"
done <plan
rmmod gomem_bench && rmmod gomem && echo "done"
