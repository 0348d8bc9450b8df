#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# yield.sh - an allocation that may sleep lets other tasks run, as kmalloc()
# does. One task calls a function of gomem in a loop, and another task waits for
# the same CPU. The longest wait may be twice the longest wait with a loop of
# kmalloc() in the same boot, or three ticks if that is longer. The machine's
# clock counts instructions if it can, so that the host's load makes no
# difference.
#
# machine: --accel=icount --cpus=1 --append=preempt=voluntary
# make check: not on a debug kernel

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/kselftest/ktap.sh
. "$here/ktap.sh"

# Three ticks of a kernel with 250 Hz. A shorter wait depends on when the next
# tick came, not on the function.
FLOOR_US=12000
TRIES=3
WAYS="alloc alloc_const zalloc noscan tiny tiny_many node this_node large misses realloc_in_place
realloc_moved memdup strdup bulk_few bulk cache ctor_cache cache_node cache_bulk arena arena_create
scratch mempool free_rcu_mightsleep"

ms=200

# wait_of FUNCTION: print the longest wait with a loop of this function, from
# the last measurement. Print nothing if the function was not measured.
wait_of()
{
	echo "$waits" | sed -n "s/^$1: longest wait \([0-9]*\) us$/\1/p"
}

# Measure all functions. Set slow to the names of those that make the other task
# wait too long.
measure()
{
	dmesg -c >/dev/null
	insmod gomem_yield.ko ms=$ms || return 1
	rmmod gomem_yield
	waits=$(dmesg | sed -n 's/.*gomem_yield: //p')
	limit=$(($(wait_of kmalloc) * 2))
	[ "$limit" -ge "$FLOOR_US" ] || limit=$FLOOR_US
	slow=
	for way in $WAYS; do
		us=$(wait_of "$way")
		[ "${us:-$((limit + 1))}" -le "$limit" ] || slow="$slow $way"
	done
}

ktap_print_header
! debug_kernel || skip_test "counting the instructions of a debug kernel takes too long"
ktap_set_plan $(($(echo "$WAYS" | wc -w) + 3))
need_insmod gomem.ko
for try in $(seq $TRIES); do
	measure
	rc=$?
	if [ $rc != 0 ] || [ -z "$slow" ]; then
		break
	fi
	ktap_print_msg "try $try, too long beside:$slow"
done
ktap_is "$rc" 0 "all functions are called, and all memory is there"
for way in $WAYS; do
	us=$(wait_of "$way")
	case " $slow " in
	*" $way "*)
		ktap_test_fail "$way: others do not wait longer than beside kmalloc()"
		;;
	*)
		ktap_test_pass "$way: others do not wait longer than beside kmalloc()"
		;;
	esac
	ktap_print_msg "$us us, kmalloc $(wait_of kmalloc) us, limit $limit us"
done
rmmod gomem
gomem_came_back
gomem_finished
