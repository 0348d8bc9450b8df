#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# load.sh MODULE... - load modules of the kernel that were built with
# linux/gomem_override.h, in the order of the arguments, and unload them. Some
# modules test themselves in their init functions, and do not load if a test
# fails. A module that does not load because its device is missing counts as
# skipped.

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/kselftest/ktap.sh
. "$here/../kselftest/ktap.sh"
# shellcheck source=tests/override/balance.lib
. "$here/balance.lib"

ktap_print_header
ktap_set_plan $(($# + 1))
modprobe gomem || ktap_exit_fail_msg "gomem cannot be loaded"
balance_start
# Load modules that other modules request by an alias. busybox's modprobe does
# not find these.
for module in /lib/modules/*/kernel/*_generic.ko; do
	[ ! -e "$module" ] || modprobe "$(basename "$module" .ko)"
done
for module; do
	if modprobe "$module" 2>/tmp/error; then
		ktap_test_pass "$module is loaded"
	elif grep -qE 'No such device|temporarily unavailable' /tmp/error; then
		ktap_test_skip "$module is loaded" "$(tail -n 1 /tmp/error)"
	else
		ktap_test_fail "$module is loaded"
		ktap_print_msg "$(cat /tmp/error; dmesg | tail -n 5)"
	fi
done
balance_traffic >/tmp/traffic
# Unload all modules except gomem, also those that were loaded as dependencies.
for _ in $(seq 10); do
	sed '/^gomem /d; s/ .*//' /proc/modules | xargs -n 1 rmmod 2>/dev/null
done
sed '/^gomem /d; s/^\([^ ]*\) .*/# \1 stays/' /proc/modules
ktap_is "$(balance_wrong)" "" "gomem has nothing against them, and everything back"
ktap_print_msg "$(cat /tmp/traffic) allocations"
# Not gomem_finished: some modules cannot be unloaded.
ktap_finished
