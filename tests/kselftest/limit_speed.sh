#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# limit_speed.sh - at the memory limit, replacing objects is at least half as
# fast as without a limit. This holds whether the live objects fit into the
# limit or exceed it.
#
# The machine counts instructions, so that the numbers do not depend on the
# host.
#
# machine: --accel=icount --cpus=1 --memory=512M
# make check: not on a debug kernel
# make check: not on an older kernel

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/kselftest/ktap.sh
. "$here/ktap.sh"
# shellcheck source=tests/kselftest/fill.lib
. "$here/fill.lib"

rounds=10

now_ms()
{
	awk '{ print int($1 * 1000) }' /proc/uptime
}

# Replace a fifth of the objects again and again. Set rate to the objects per
# second.
replace()
{
	mallocs=$(gomem_stat mallocs)
	start=$(now_ms)
	for _ in $(seq $rounds); do
		fill_cmd free 20 random && fill_cmd fill 60M || return 1
	done
	rate=$((($(gomem_stat mallocs) - mallocs) * 1000 / ($(now_ms) - start)))
}

# at_limit LIMIT WHAT: set LIMIT, measure, and compare with the rate without a
# limit.
at_limit()
{
	echo "$1" >$gomem_params/memory_limit
	replace
	ktap_test_result "$2: $rate objects a second, $free_rate without a limit, half of that at least" \
		[ $((2 * rate)) -ge "$free_rate" ]
}

ktap_print_header
debug_kernel && skip_test "instructions of a debug kernel are no measure"
ktap_set_plan 9
need_insmod gomem.ko
need_insmod gomem_fill.ko mix=uniform
fill_cmd fill 60M
ktap_is $? 0 "60 MiB of objects of up to 64 KiB"
replace
replace
free_rate=$rate
used=$(($(gomem_stat sys) >> 20))
at_limit $((used - 1))M "just below what is held"
at_limit $((used * 95 / 100))M "what lives hardly fits into the limit"
ktap_test_result "the limit was exceeded" [ "$(gomem_stat memory_limit_exceeded)" -gt 0 ]
at_limit $((used * 3 / 4))M "what lives is over the limit"
ktap_is "$(heap_verdict)" ok "the heap is sound"
unload_all
gomem_finished
