#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# replay.sh - the part of scripts/replay that runs in the machine. It replays
# each trace in traces/ with kmalloc(), and then with gomem once for each line
# of the file params.
#
#	replay.sh NOSCAN		percent of the sizes that are noscan
#
# It prints lines for the host, in bytes:
#
#	say TEXT			progress
#	begin TRACE BYTES		bytes free in the slabs of kmalloc()
#					before its replay
#	row TRACE ALLOCATOR BASE STATS	BASE: bytes held before the first
#					operation. STATS: the statistics of
#					gomem_replay.ko, as name=value
#	point TRACE ALLOCATOR PERCENT HELD OTHER
#					HELD: bytes held. OTHER: the same by
#					the allocator's own count: gomem's sys,
#					kmalloc()'s slabs

noscan=$1
params=/sys/module/gomem_replay/parameters

# read_key FILE KEY: set value to the number of a key. This starts no process,
# which would take memory during the measurement.
read_key()
{
	value=0
	while read -r name number; do
		[ "$name" != "$2:" ] || value=$number
	done <"$1"
}

gomem_sys()
{
	read_key /sys/kernel/debug/gomem/stats sys
}

settle()
{
	echo 3 >/proc/sys/vm/drop_caches
	for cache in /sys/kernel/slab/*/shrink; do
		echo 1 >"$cache"
	done
	sleep 1
}

free_in_slabs()
{
	awk '/^(dma-)?kmalloc-/ { n += ($3 - $2) * $4 } END { printf "%d\n", n }' /proc/slabinfo
}

point()
{
	read_key $params/stats gone
	held=$((base + value))
	if [ "$allocator" = kmalloc ]; then
		read_key $params/stats slab
	else
		gomem_sys
	fi
	echo "point $trace $allocator $1 $held $value"
}

# replay TRACE ALLOCATOR GOMEM-PARAMETERS: replay a trace, and print its
# results.
replay()
{
	trace=$1 allocator=$2
	echo "say $trace: $2 $3"
	# shellcheck disable=SC2086
	insmod gomem.ko $3 && insmod gomem_replay.ko "trace=traces/$trace" "allocator=$2" \
		"noscan=$noscan" || exit 1
	settle
	base=0
	if [ "$allocator" = kmalloc ]; then
		echo "begin $trace $(free_in_slabs)"
	else
		gomem_sys
		base=$value
	fi
	for percent in 25 50 75 100; do
		echo "run $percent" >$params/cmd || exit 1
		point $percent
	done
	echo "row $trace $allocator${3:+:}$(echo "$3" | tr ' ' ,) base=$base $(tr -d ' ' <$params/stats | tr ':\n' '= ')"
	rmmod gomem_replay && rmmod gomem || exit 1
}

for file in traces/*; do
	replay "${file#traces/}" kmalloc ""
	while IFS= read -r line; do
		replay "${file#traces/}" gomem "$line"
	done <params
done
