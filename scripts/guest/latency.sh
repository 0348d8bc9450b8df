#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# latency.sh - the part of scripts/bench that measures for how long operations
# keep the CPU from other tasks. It measures gomem and kmalloc(), with objects
# of 16 bytes to 128 KiB, equally many from each power of two.
#
#	latency.sh AMOUNT...
#
# AMOUNT is the total size of the live objects while operations on the whole heap
# are watched. The script prints lines for the host, in instructions: the longest
# time with interrupts off, and the longest time that a task of real-time
# priority waited for the CPU:
#
#	latency ALLOCATOR OPERATION AMOUNT OFF WAIT
#
# The operation "nothing" is a sleep: no allocator works. "scavenge64G" works on a
# heap whose 64 GiB are addresses without memory: see gomem_giveback.c.

fill=/sys/module/gomem_fill/parameters
latency=/sys/module/gomem_latency/parameters
debug=/sys/kernel/debug/gomem

# watch ALLOCATOR OPERATION AMOUNT COMMAND...: run a command and print what was
# measured. The output of the command is dropped.
watch()
{
	allocator=$1 operation=$2 amount=$3
	shift 3
	echo 1 >$latency/watch
	"$@" >/dev/null || exit 1
	echo 0 >$latency/watch
	echo "latency $allocator $operation $amount $(cat $latency/worst)"
	[ ! -e verbose ] || sed 's/^/where /' $latency/where
	[ ! -e verbose ] || sed 's/^/where_wait /' $latency/where_wait
}

# put WORD FILE: write a word to a file.
put()
{
	echo "$1" >"$2"
}

read_files()
{
	for file in stats classes caches nodes map; do
		cat $debug/$file || return 1
	done
}

# common ALLOCATOR AMOUNT: measure the operations that both allocators have.
# Objects stay live at the end.
common()
{
	watch "$1" fill "$2" put "fill $2" $fill/cmd
	watch "$1" free "$2" put "free half random" $fill/cmd
	watch "$1" shrink "$2" put 2 /proc/sys/vm/drop_caches
	watch "$1" refill "$2" put "fill $2" $fill/cmd
}

# one AMOUNT: measure all operations with this amount of live memory.
one()
{
	insmod gomem.ko epoch_ms=300 && insmod gomem_fill.ko mix=log reserve=0 || exit 1
	common gomem "$1"
	watch gomem check "$1" put 1 $debug/check
	watch gomem read "$1" read_files
	echo "free half random" >$fill/cmd
	watch gomem scavenge "$1" put 1 $debug/scavenge
	# Wait for several epochs, in which slots are drained and pages go back.
	echo "free half other" >$fill/cmd
	watch gomem epoch "$1" sleep 2
	watch gomem free_all "$1" put "free fifo" $fill/cmd
	rmmod gomem_fill || exit 1
	watch gomem unload "$1" rmmod gomem

	insmod gomem.ko && insmod gomem_fill.ko mix=log reserve=0 allocator=kmalloc || exit 1
	common kmalloc "$1"
	watch kmalloc free_all "$1" put "free fifo" $fill/cmd
	rmmod gomem_fill && rmmod gomem || exit 1
}

insmod gomem_latency.ko || exit 1
# Keep the processor busy: an idle one waits for a timer of the host, which is late
# if the host is busy.
sh -c 'while :; do :; done' &
renice -n 19 -p $! >/dev/null
watch none nothing 0 sleep 1
for amount; do
	one "$amount"
done
watch gomem scavenge64G 64G insmod gomem_giveback.ko
rmmod gomem_giveback
rmmod gomem_latency
kill $!
echo "done"
