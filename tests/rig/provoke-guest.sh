#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# provoke-guest.sh CASE... - the part of tests/rig/provoke that runs in the
# machine. It provokes one report after the other, and survives oopses. A line
# in the log, "gomem-vm: provoke CASE", precedes each.
#
# Cases that hang are repeated for longer times until the kernel has noticed.

# shellcheck source=scripts/lib/reports.sh
. /lib/gomem/reports.sh

sysctl=/proc/sys/kernel
rcu=/sys/module/rcupdate/parameters/rcu_cpu_stall_timeout

# provoke CASE [TEXT]: run a case in its own process, which an oops may kill.
provoke()
{
	dmesg -c >/dev/null
	echo "<6>gomem-vm: provoke ${2:-$1}" >/dev/kmsg
	(echo "$1" >/sys/kernel/debug/gomem_provoke) &
	wait $!
}

# until_reported CASE TEXT: run a case that hangs, each time for longer, until
# the kernel reports it.
until_reported()
{
	for seconds in 6 12 30 90; do
		echo $seconds >/sys/module/gomem_provoke/parameters/seconds
		provoke "$1" "$2"
		[ -z "$(dmesg | first_report)" ] || return
	done
}

insmod gomem_provoke.ko || exit 1
echo 0 >$sysctl/panic_on_oops
for case; do
	case $case in
	hang)
		echo 2 >$sysctl/hung_task_timeout_secs
		until_reported hang hang
		echo 0 >$sysctl/hung_task_timeout_secs
		;;
	soft_lockup)
		thresh=$(cat $sysctl/watchdog_thresh)
		echo 1 >$sysctl/watchdog_thresh
		until_reported stuck soft_lockup
		echo "$thresh" >$sysctl/watchdog_thresh
		;;
	rcu_stall)
		timeout=$(cat $rcu)
		echo 3 >$rcu
		until_reported stuck rcu_stall
		echo "$timeout" >$rcu
		;;
	*)
		provoke "$case"
		;;
	esac
done
echo "<6>gomem-vm: provoke nothing" >/dev/kmsg
