#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# halfway.sh - a call that asks for more than there is fails, and what it had is free for
# others when it returns. Memory pools, and users that free what they had one by one, do not
# tell gomem that they failed: that has to be free soon.
#
# machine: --memory=512M
# machine debug: --memory=1G --append=kmemleak=off

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

# fails_half_way COMMAND...: sets after to what is free then, in megabytes.
fails_half_way()
{
	(echo "$*" >$params/cmd) 2>/dev/null
	ktap_is $? 0 "$* fails"
	after=$(halfway_stat free_after)
}

insmod gomem.ko epoch_ms=3600000 || exit 1
insmod gomem_halfway.ko || exit 1
ktap_header
ktap_plan 24
dmesg -c >/dev/null
full=$(($(free_bytes) >> 20))
enough=$((full * 80 / 100))

# No look of the background comes to help.
for size in 64 1000 4096 65536 1048576; do
	fails_half_way bulk $size
	ktap_true "$after of $full MiB are free at once, 80 % at least" [ "$after" -ge $enough ]
done
for size in 100 5000 100000; do
	fails_half_way cache $size
	ktap_true "$after of $full MiB are free at once, 80 % at least" [ "$after" -ge $enough ]
done
ktap_is "$(heap_verdict)" ok "the heap is sound"
echo 10000 >$gomem_params/epoch_ms
for way in mempool list; do
	fails_half_way $way 8192
	for _ in $(seq 50); do
		after=$(($(free_bytes) >> 20))
		[ "$after" -lt $enough ] || break
		usleep 100000
	done
	ktap_true "$after of $full MiB are free soon" [ "$after" -ge $enough ]
done
rmmod gomem_halfway
ktap_is "$(trouble)" "" "nobody was killed"
unload_all
ktap_finish
