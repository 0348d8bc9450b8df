#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# yield.sh - an allocation that may sleep lets other tasks run, as kmalloc()
# does. One task calls a function in a loop, and a task with a real-time
# priority waits for the same CPU. This is measured beside each function of
# gomem, and beside functions of the kernel that do the same. The longest wait
# beside gomem's function may be twice the longest wait beside any of the
# kernel's. The machine's clock counts instructions if it can, so that the
# host's load makes no difference.
#
# machine: --accel=icount --cpus=1 --append=preempt=voluntary
# make check: not on a debug kernel

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/kselftest/ktap.sh
. "$here/ktap.sh"

# An interrupt, or a task of the kernel, may prolong one wait. So everything is
# measured this often, and the shortest of the results counts. A function without
# a preemption point makes the other task wait for all of $ms each time.
TIMES=3
WAYS="alloc alloc_const zalloc noscan tiny tiny_many node this_node large misses realloc_in_place
realloc_moved memdup strdup bulk_few bulk cache ctor_cache cache_node cache_bulk arena arena_create
scratch mempool free_rcu_mightsleep"

ms=40

# Print for each function "NAME OWN PEER": the shortest of its results, and of
# those of the kernel's function, in nanoseconds.
shortest()
{
	echo "$waits" | awk '
		{ sub(":", "", $1) }
		!($1 in own) || $4 < own[$1] { own[$1] = $4 }
		!($1 in peer) || $9 < peer[$1] { peer[$1] = $9 }
		END { for (way in own) print way, own[way], peer[way] }'
}

ktap_print_header
! debug_kernel || skip_test "counting the instructions of a debug kernel takes too long"
ktap_set_plan $(($(echo "$WAYS" | wc -w) + 3))
need_insmod gomem.ko
dmesg -c >/dev/null
rc=0
for _ in $(seq $TIMES); do
	insmod gomem_yield.ko ms=$ms || rc=1
	rmmod gomem_yield || rc=1
done
waits=$(dmesg | sed -n 's/.*gomem_yield: //p')
results=$(shortest)
limit=$(echo "$results" | awk '$3 > longest { longest = $3 } END { print 2 * longest }')
ktap_is $rc 0 "all functions are called, and all memory is there"
for way in $WAYS; do
	ns=$(echo "$results" | awk -v way="$way" '$1 == way { print $2 }')
	if [ "${ns:-$((limit + 1))}" -le "$limit" ]; then
		ktap_test_pass "$way: others do not wait longer than beside the kernel's functions"
	else
		ktap_test_fail "$way: others do not wait longer than beside the kernel's functions"
	fi
	ktap_print_msg "$ns ns, limit $limit ns"
done
rmmod gomem
gomem_came_back
gomem_finished
