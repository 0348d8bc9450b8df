#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# limit.sh - test the memory limit. It has no effect while gomem holds much less.
# Near the limit, gomem tries to manage with the memory that it has. Above the
# limit, allocations still work, and gomem counts them. When memory becomes free
# again, background work gives back what exceeds 95 % of the limit, whatever the
# goal of the heap is.
#
# machine: --cpus=1 --memory=512M
# machine debug: --memory=1G
# make check: not on an older kernel
# make check: in User-Mode Linux

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/kselftest/ktap.sh
. "$here/ktap.sh"
# shellcheck source=tests/kselftest/fill.lib
. "$here/fill.lib"

limit=$((64 << 20))

# wait_sys BYTES SECONDS: wait until gomem's stats have sys <= BYTES, the bytes
# held. Give up if sys does not shrink for SECONDS.
wait_sys()
{
	sys=$(gomem_stat sys)
	waited=0
	while [ "$sys" -gt "$1" ]; do
		[ "$waited" -lt "$2" ] || return 1
		sleep 1
		waited=$((waited + 1))
		last=$sys
		sys=$(gomem_stat sys)
		[ "$sys" -ge "$last" ] || waited=0
	done
}

ktap_print_header
ktap_set_plan 24
# With an epoch of a day, the goal changes after 15 minutes, a hundredth of a day.
# Even on a slow machine this test ends before that.
need_insmod gomem.ko epoch_ms=86400000 memory_limit=64M
need_insmod gomem_fill.ko
ktap_is "$(cat $gomem_params/memory_limit)" $limit "64M is understood"
for bad in -1 x 64X 16E 17179869184G 99999999999999999999 ""; do
	(echo "$bad" >$gomem_params/memory_limit) 2>/dev/null
	ktap_test_result "'$bad' is refused" [ $? -ne 0 ]
done
ktap_is "$(cat $gomem_params/memory_limit)" $limit "and changes nothing"

fill_cmd fill 52M
ktap_is $? 0 "52 MiB are filled"
ktap_test_result "within the limit: $(gomem_stat sys)" [ "$(gomem_stat sys)" -le $limit ]
ktap_is "$(gomem_stat memory_limit_exceeded)" 0 "which was not exceeded"

fill_cmd free half other
ktap_is $? 0 "every other object is freed"
fill_cmd fill 52M
ktap_is $? 0 "and as much filled again"
ktap_test_result "nearly within the limit: $(gomem_stat sys)" \
	[ "$(gomem_stat sys)" -le $((limit * 9 / 8)) ]

before=$(gomem_stat memory_limit_exceeded)
fill_cmd fill 100M
ktap_is $? 0 "100 MiB are filled: the limit is soft"
ktap_test_result "it was exceeded, and that was counted" \
	[ "$(gomem_stat sys)" -gt $limit -a "$(gomem_stat memory_limit_exceeded)" -gt "$before" ]

fill_cmd free all random
ktap_is $? 0 "all are freed, undamaged"
# A write to memory_limit starts the background work at once.
echo 64M >$gomem_params/memory_limit
# Allow 96 %: sys includes the tables for the whole address range, which do not
# count for the limit.
ktap_test_result "the background keeps to 95 % of it" wait_sys $((limit * 96 / 100)) 30
sleep 2
ktap_test_result "and to no less: $(gomem_stat sys)" [ "$(gomem_stat sys)" -ge $((limit / 2)) ]
ktap_is "$(gomem_check)" ok "the heap is sound"
unload_all
gomem_finished
