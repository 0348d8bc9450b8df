#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# footprint.sh - the part of scripts/bench that fills memory with objects of all
# sizes, and frees half of them in some order, with gomem and with kmalloc().
#
#	footprint.sh AMOUNT ORDER[-MIX]...
#
# MIX selects the sizes: see gomem_fill.c. The script prints lines for the host,
# in bytes. LIVE is the sum of the sizes that were requested for the live
# objects. HELD is how much less free memory the machine has because of these
# objects:
#
#	footprint ALLOCATOR ORDER[-MIX] STEP LIVE HELD
#
# STEP is full: all objects are live; half: right after half of them were freed;
# later: a second after that; or asked: after the allocator was asked to give
# back the memory that it does not need. HELD includes the memory that gomem
# took when it was loaded.

amount=$1
shift
params=/sys/module/gomem_fill/parameters
debug=/sys/kernel/debug/gomem

# read_key FILE KEY: set value to the number of a key. This starts no process,
# which would take memory during the measurement.
read_key()
{
	value=0
	while read -r name number; do
		[ "$name" != "$2:" ] || value=$number
	done <"$1"
}

# Print the bytes of free pages, including those on per-CPU lists, where freed
# pages go first.
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

# ask_back ALLOCATOR: make the allocator give back the memory that it does not
# need.
ask_back()
{
	if [ "$1" = kmalloc ]; then
		shrink_slabs
	else
		echo 1 >$debug/scavenge
	fi
}

# measure ALLOCATOR ORDER STEP: print a line with the bytes live and held.
measure()
{
	free=$(free_bytes)
	read_key $params/stats index_bytes
	held=$((base + before - free - value))
	read_key $params/stats requested
	echo "footprint $1 $2 $3 $value $held"
}

# one ALLOCATOR ORDER[-MIX]: fill memory, free half of it, and print each step.
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
