#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# halfway.sh - a call that asks for more memory than there is fails, and all
# memory that it allocated is free when it returns. A call with __GFP_NORETRY
# returns before the memory is free, without waiting for a grace period. Memory
# pools, and users that free their objects one by one, do not tell gomem that
# they failed. Then the memory has to be free after a few seconds.
#
# machine: --cpus=1 --memory=512M
# machine debug: --memory=640M
# make check: not on an older kernel
# make check: in User-Mode Linux

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/kselftest/ktap.sh
. "$here/ktap.sh"
# shellcheck source=tests/kselftest/fill.lib
. "$here/fill.lib"

params=/sys/module/gomem_halfway/parameters

halfway_stat()
{
	awk -v key="$1:" '$1 == key { print $2 }' $params/stats
}

# fails_half_way COMMAND...: run a command of gomem_halfway, whose allocation
# has to fail. Set after to the megabytes that are free then.
fails_half_way()
{
	(echo "$*" >$params/cmd) 2>/dev/null
	ktap_is $? 0 "$* fails"
	after=$(halfway_stat free_after)
}

# Pass if the memory of the failed call is free within a few seconds.
soon()
{
	for _ in $(seq 50); do
		after=$(($(free_bytes) >> 20))
		[ "$after" -lt $enough ] || break
		sleep 0.1
	done
	ktap_test_result "$after of $full MiB are free soon" [ "$after" -ge $enough ]
}

need_insmod gomem.ko epoch_ms=86400000
need_keys grace_waits
need_insmod gomem_halfway.ko
ktap_print_header
ktap_set_plan 28
dmesg -c >/dev/null
full=$(($(free_bytes) >> 20))
enough=$((full * 80 / 100))

# Epochs of a day: no background work gives memory back in these cases.
for size in 64 1000 4096 65536 1048576; do
	fails_half_way bulk $size
	ktap_test_result "$after of $full MiB are free at once, 80 % at least" [ "$after" -ge $enough ]
done
for size in 100 5000 100000; do
	fails_half_way cache $size
	ktap_test_result "$after of $full MiB are free at once, 80 % at least" [ "$after" -ge $enough ]
done
ktap_is "$(gomem_check)" ok "the heap is sound"
waits=$(gomem_stat grace_waits)
fails_half_way quick 65536
ktap_is "$(gomem_stat grace_waits)" "$waits" "no grace period was waited for"
soon
echo 10000 >$gomem_params/epoch_ms
for way in mempool list; do
	fails_half_way $way 8192
	soon
done
rmmod gomem_halfway
ktap_is "$(trouble)" "" "nobody was killed"
unload_all
gomem_finished
