#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# load.sh MODULE... - loads modules that were built with linux/gomem_override.h in
# this order, and unloads them again. What a module tests in its init function has to
# pass; one that cannot stay for want of its device is as good.

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/kselftest/ktap.sh
. "$here/../kselftest/ktap.sh"
# shellcheck source=tests/override/balance.lib
. "$here/balance.lib"

# Some of the modules cannot be unloaded.
ktap_leaves="modules stay loaded"
ktap_header
ktap_plan $(($# + 1))
modprobe gomem || exit 1
balance_start
# Those that busybox does not know to be needed.
for module in /lib/modules/*/kernel/*_generic.ko; do
	[ ! -e "$module" ] || modprobe "$(basename "$module" .ko)"
done
for module; do
	if modprobe "$module" 2>/tmp/error; then
		ktap_ok "$module is loaded"
	elif grep -qE 'No such device|temporarily unavailable' /tmp/error; then
		ktap_skip "$module is loaded" "$(tail -n 1 /tmp/error)"
	else
		ktap_not_ok "$module is loaded"
		ktap_diag "$(cat /tmp/error; dmesg | tail -n 5)"
	fi
done
balance_traffic >/tmp/traffic
# What was loaded because another needed it, too.
for _ in $(seq 10); do
	sed '/^gomem /d; s/ .*//' /proc/modules | xargs -n 1 rmmod 2>/dev/null
done
sed '/^gomem /d; s/^\([^ ]*\) .*/# \1 stays/' /proc/modules
ktap_is "$(balance_wrong)" "" "gomem has nothing against them, and everything back"
ktap_diag "$(cat /tmp/traffic) allocations"
ktap_finish
