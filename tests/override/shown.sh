#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# shown.sh - use modules of the kernel that were built with
# linux/gomem_override.h and are otherwise unchanged. Some test themselves, and
# others store files or send packets. All of them allocate from gomem.
# tests/override/shown lists the modules.

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/kselftest/ktap.sh
. "$here/../kselftest/ktap.sh"
# shellcheck source=tests/override/balance.lib
. "$here/balance.lib"

image_mib=24
mount_point=/tmp/mnt

# balance_results NAME LEAST: two results for the time since balance_start. At
# least LEAST objects have to be allocated from gomem, and all of them freed.
# gomem must not have counted any misuse, such as a double free.
balance_results()
{
	name=$1
	least=$2
	traffic=$(cat /tmp/traffic)
	ktap_is "$([ "$traffic" -ge "$least" ] && echo enough)" enough "$name: memory is gomem's"
	ktap_print_msg "$traffic allocations"
	ktap_is "$(balance_wrong)" "" "$name: and came back"
}

# self_test MODULE LEAST WANT [PARAMETER...]: load a module that tests itself in
# its init function. The log has to contain WANT.
self_test()
{
	name=$1
	least=$2
	want=$3
	shift 3
	dmesg -c >/dev/null
	balance_start
	modprobe "$name" "$@" || ktap_print_msg "$name cannot be loaded"
	for _ in $(seq 300); do
		! dmesg | grep -qE "$want" || break
		sleep 0.1
	done
	if dmesg | grep -qE "$want"; then
		ktap_test_pass "$name: passes its own tests"
	else
		ktap_test_fail "$name: passes its own tests"
		ktap_print_msg "$(dmesg | tail -n 20)"
	fi
	balance_traffic >/tmp/traffic
	rmmod "$name" 2>/dev/null || ktap_print_msg "$name has no way out"
	balance_results "$name" "$least"
}

# Write a tree of files of all lengths.
fill_tree()
{
	for dir in $(seq 12); do
		mkdir -p "$mount_point/$dir/below"
		for file in $(seq 20); do
			dd if=/dev/urandom of="$mount_point/$dir/below/$file" \
				bs=$((dir * 777 + file)) count="$file" 2>/dev/null
		done
		ln -s "below/1" "$mount_point/$dir/link"
		mv "$mount_point/$dir/below/20" "$mount_point/$dir/moved"
		rm "$mount_point/$dir/below/19"
	done
}

sums_of_tree()
{
	(cd $mount_point && find . -type f -exec sha256sum {} + | sort -k 2 && find . -type l | sort)
}

# file_system TYPE IMAGE: use a file system on an image file, through the loop
# driver.
file_system()
{
	type=$1
	image=$2
	balance_start
	if ! modprobe loop || ! modprobe "$type"; then
		ktap_print_msg "cannot be loaded"
	fi
	mkdir -p $mount_point
	mount -t "$type" -o loop "$image" $mount_point || ktap_print_msg "cannot be mounted"
	fill_tree
	sums_of_tree >/tmp/sums
	echo 3 >/proc/sys/vm/drop_caches
	ktap_is "$(wc -l </tmp/sums; sums_of_tree)" "$(wc -l </tmp/sums; cat /tmp/sums)" \
		"$type: files are what they were written as"
	umount $mount_point
	mount -t "$type" -o loop "$image" $mount_point
	ktap_is "$(wc -l </tmp/sums; sums_of_tree)" "$(wc -l </tmp/sums; cat /tmp/sums)" \
		"$type: also when mounted again"
	rm -r $mount_point/[1-9]*
	umount $mount_point
	balance_traffic >/tmp/traffic
	rmmod "$type" && rmmod loop
	unloaded=$?
	rmmod mbcache 2>/dev/null
	ktap_is $unloaded 0 "$type: unloads"
	balance_results "$type and loop" 300
}

# Send packets between two virtual interfaces. One of them is in another network
# namespace.
virtual_network()
{
	balance_start
	if ! modprobe veth || ! modprobe dummy; then
		ktap_print_msg "cannot be loaded"
	fi
	ip link add gomem0 type veth
	unshare -n sleep 60 &
	peer=$!
	sleep 0.5
	ip link set veth0 netns $peer
	nsenter -t $peer -n ip addr add 10.9.9.2/24 dev veth0
	nsenter -t $peer -n ip link set veth0 up
	ip addr add 10.9.9.1/24 dev gomem0
	ip link set gomem0 up
	sleep 0.5
	ktap_is "$(ping -c 3 -s 1400 10.9.9.2 | grep -c 'bytes from')" 3 "veth: packets come back"
	ip link del gomem0
	kill $peer
	wait $peer 2>/dev/null
	ip link add gomem1 type dummy
	ip link set gomem1 up
	ip link del gomem1
	balance_traffic >/tmp/traffic
	rmmod veth && rmmod dummy
	ktap_is $? 0 "veth, dummy: unload"
	balance_results "veth and dummy" 2
}

ktap_print_header
ktap_set_plan 27
modprobe gomem || ktap_exit_fail_msg "gomem cannot be loaded"

self_test test_rhashtable 4 'Started [0-9]+ threads, 0 failed'
rmmod torture 2>/dev/null
# 7.x powers the machine off after this test unless shutdown_secs=0. Older
# kernels ignore the parameter.
self_test rcuscale 20000 'Total time taken by all kfree.ers' kfree_rcu_test=1 kfree_loops=10 \
	kfree_alloc_num=2000 holdoff=0 shutdown_secs=0
rmmod torture 2>/dev/null
self_test wireguard 300 'allowedips self-tests: pass'

gunzip -c minix.img.gz >/tmp/minix.img
file_system minix /tmp/minix.img
dd if=/dev/zero of=/tmp/ext2.img bs=1M count=$image_mib 2>/dev/null
mke2fs -F /tmp/ext2.img >/dev/null
file_system ext2 /tmp/ext2.img
virtual_network

# This module cannot be unloaded, so it comes last.
self_test test_meminit 100 'all [0-9]+ tests passed'

echo 1 >/sys/kernel/debug/gomem/check
ktap_is "$(cat /sys/kernel/debug/gomem/check)" ok "the heap is sound after all of it"
# Not gomem_finished: some modules cannot be unloaded.
ktap_finished
