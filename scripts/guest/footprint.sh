#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# footprint.sh - the part of scripts/bench that fills memory: objects of all sizes, half
# of which are freed in some order, of gomem and of kmalloc() alike.
#
#	footprint.sh AMOUNT ORDER[-MIX]...
#
# MIX: which sizes; see gomem_fill.c. Prints lines for the host, bytes each: what live
# objects were asked for, and what the machine has less free for them:
#
#	footprint ALLOCATOR ORDER[-MIX] STEP LIVE HELD
#
# STEP is full; half, right after half of the objects were freed; later, a second after
# that; and asked, after the allocator was asked for what it does not need. What gomem took
# when it was loaded counts.

amount=$1
shift
params=/sys/module/gomem_fill/parameters
debug=/sys/kernel/debug/gomem

# Without a process of its own, which would take memory while it is measured.
# read_key FILE KEY: sets value
read_key()
{
	value=0
	while read -r name number; do
		[ "$name" != "$2:" ] || value=$number
	done <"$1"
}

# Free pages, and those that CPUs keep at hand, which freed ones go to first.
free_bytes()
{
	awk '$1 == "nr_free_pages" || $1 == "count:" { pages += $2 }
		END { printf "%d\n", pages * 4096 }' /proc/zoneinfo
}

shrink_slabs()
{
	for cache in /sys/kernel/slab/*/shrink; do
		echo 1 >"$cache"
	done
}

# ask_back ALLOCATOR
ask_back()
{
	if [ "$1" = kmalloc ]; then
		shrink_slabs
	else
		echo 1 >$debug/scavenge
	fi
}

# measure ALLOCATOR ORDER STEP
measure()
{
	free=$(free_bytes)
	read_key $params/stats index_bytes
	held=$((base + before - free - value))
	read_key $params/stats requested
	echo "footprint $1 $2 $3 $value $held"
}

# one ALLOCATOR ORDER[-MIX]
one()
{
	mix=${2#*-}
	[ "$mix" != "$2" ] || mix=kernel
	insmod gomem.ko && insmod gomem_fill.ko "allocator=$1" "mix=$mix" || exit 1
	echo 3 >/proc/sys/vm/drop_caches
	shrink_slabs
	sleep 1
	base=0
	if [ "$1" = gomem ]; then
		read_key $debug/stats sys
		base=$value
	fi
	before=$(free_bytes)
	echo "fill $amount" >$params/cmd || exit 1
	measure "$1" "$2" full
	echo "free half ${2%%-*}" >$params/cmd || exit 1
	measure "$1" "$2" half
	sleep 1
	measure "$1" "$2" later
	ask_back "$1"
	measure "$1" "$2" asked
	rmmod gomem_fill && rmmod gomem || exit 1
}

for order; do
	one kmalloc "$order"
	one gomem "$order"
done
echo "done"
