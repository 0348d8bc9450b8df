#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# limit_speed.sh - at the memory limit, replacing objects is at least half as
# fast as without a limit, and does not sleep until a grace period is over. This
# holds whether the live objects fit into the limit or exceed it.
#
# The objects have sizes of all magnitudes. Many large ones find no run of free
# pages that is long enough. So the heap has to grow for them, while it has free
# pages elsewhere that it could give back.
#
# The machine's clock counts instructions, so that the numbers do not depend on
# the host. With one CPU a grace period is so short that it hardly changes the
# speed. So the test also counts how often the task sleeps.
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

# fill_here WORD...: run a command of gomem_fill in the shell's own task. Add to
# slept how often the task slept.
fill_here()
{
	count_sleeps
	slept=$((slept - sleeps))
	echo "$*" >$fill_params/cmd || return
	count_sleeps
	slept=$((slept + sleeps))
}

# Replace a fifth of the objects again and again. Set rate to the objects per
# second, slept to the number of sleeps, and grows to how often the heap grew.
replace()
{
	mallocs=$(gomem_stat mallocs)
	grows=$(gomem_stat grows)
	start=$(now_ms)
	slept=0
	for _ in $(seq $rounds); do
		fill_here free 20 random && fill_here fill 60M || return 1
	done
	rate=$((($(gomem_stat mallocs) - mallocs) * 1000 / ($(now_ms) - start)))
	grows=$(($(gomem_stat grows) - grows))
}

# at_limit LIMIT WHAT: set LIMIT, measure, and compare with what was measured
# without a limit.
at_limit()
{
	echo "$1" >$gomem_params/memory_limit
	replace
	ktap_test_result "$2: $rate objects a second, $free_rate without a limit, half of that at least" \
		[ $((2 * rate)) -ge "$free_rate" ]
	ktap_test_result "$2: the heap grew $grows times, 20 at least" [ "$grows" -ge 20 ]
	ktap_test_result "$2: $slept sleeps, $free_slept without a limit, $rounds more at most" \
		[ $slept -le $((free_slept + rounds)) ]
}

ktap_print_header
debug_kernel && skip_test "instructions of a debug kernel are no measure"
ktap_set_plan 15
need_insmod gomem.ko
need_insmod gomem_fill.ko mix=log cpu=-2
fill_cmd fill 60M
ktap_is $? 0 "60 MiB of objects of up to 128 KiB"
replace
replace
free_rate=$rate
free_slept=$slept
used=$(($(gomem_stat sys) >> 20))
at_limit $((used - 1))M "just below what is held"
at_limit $((used * 95 / 100))M "what lives hardly fits into the limit"
ktap_test_result "the limit was exceeded" [ "$(gomem_stat memory_limit_exceeded)" -gt 0 ]
at_limit $((used * 3 / 4))M "what lives is over the limit"
ktap_is "$(gomem_check)" ok "the heap is sound"
unload_all
gomem_finished
