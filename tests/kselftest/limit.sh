#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# limit.sh - the memory limit: below it nothing is felt; next to it gomem makes do with
# what it has; above it allocations go on and are counted; and when memory is free again
# the background gives back what is over 95 % of it, whatever the goal.
#
# machine: --memory=512M
# machine debug: --memory=1G --append=kmemleak=off
# make check: not on an older kernel

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/kselftest/ktap.sh
. "$here/ktap.sh"
# shellcheck source=tests/kselftest/fill.lib
. "$here/fill.lib"

limit=$((64 << 20))

# Until sys is not more than so many bytes: as long as it falls within so many seconds.
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

ktap_header
ktap_plan 23
# The goal of the first epoch is not to come into it.
insmod gomem.ko epoch_ms=3600000 memory_limit=64M || exit 1
insmod gomem_fill.ko || exit 1
ktap_is "$(cat $gomem_params/memory_limit)" $limit "64M is understood"
for bad in -1 x 64X 16E 17179869184G 99999999999999999999 ""; do
	(echo "$bad" >$gomem_params/memory_limit) 2>/dev/null
	ktap_true "'$bad' is refused" [ $? -ne 0 ]
done
ktap_is "$(cat $gomem_params/memory_limit)" $limit "and changes nothing"

fill_cmd fill 52M
ktap_is $? 0 "52 MiB are filled"
ktap_true "within the limit: $(gomem_stat sys)" [ "$(gomem_stat sys)" -le $limit ]
ktap_is "$(gomem_stat memory_limit_exceeded)" 0 "which was not exceeded"

fill_cmd free half other
ktap_is $? 0 "every other object is freed"
fill_cmd fill 52M
ktap_is $? 0 "and as much filled again"
ktap_true "nearly within the limit: $(gomem_stat sys)" \
	[ "$(gomem_stat sys)" -le $((limit * 9 / 8)) ]

before=$(gomem_stat memory_limit_exceeded)
fill_cmd fill 100M
ktap_is $? 0 "100 MiB are filled: the limit is soft"
ktap_true "it was exceeded, and that was counted" \
	[ "$(gomem_stat sys)" -gt $limit -a "$(gomem_stat memory_limit_exceeded)" -gt "$before" ]

fill_cmd free all random
ktap_is $? 0 "all are freed, undamaged"
# Setting it starts the background without waiting for an epoch.
echo 64M >$gomem_params/memory_limit
# The tables over the range of addresses are in sys, but not in the limit.
ktap_true "the background keeps to 95 % of it" wait_sys $((limit * 96 / 100)) 30
sleep 2
ktap_true "and to no less: $(gomem_stat sys)" [ "$(gomem_stat sys)" -ge $((limit / 2)) ]
ktap_is "$(heap_verdict)" ok "the heap is sound"
unload_all
ktap_finish
