#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# load.sh MODULE... - load modules of the kernel that were built with
# linux/gomem_override.h, in the order of the arguments, and unload them. Some
# modules test themselves in their init functions, and do not load if a test
# fails. A module that does not load because its device is missing counts as
# skipped. If the environment has a shell command in RUN, run it while the modules
# are loaded.

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/kselftest/ktap.sh
. "$here/../kselftest/ktap.sh"
# shellcheck source=tests/override/balance.lib
. "$here/balance.lib"
# shellcheck source=tests/override/modules.lib
. "$here/modules.lib"

ktap_print_header
results=$(($# + 1))
[ -z "$RUN" ] || results=$((results + 1))
ktap_set_plan $results
modprobe gomem || ktap_exit_fail_msg "gomem cannot be loaded"
balance_start
modules_load_generic
for module; do
	module_load "$module"
	case $? in
	0) ktap_test_pass "$module is loaded" ;;
	4) ktap_test_skip "$module is loaded" "$(tail -n 1 /tmp/error)" ;;
	*)
		ktap_test_fail "$module is loaded"
		ktap_print_msg "$(cat /tmp/error; dmesg | tail -n 5)"
		;;
	esac
done
if [ -n "$RUN" ]; then
	modules_run "$RUN"
	ktap_is $? 0 "the command succeeds"
	ktap_print_msg "$(cat /tmp/output)"
fi
balance_traffic >/tmp/traffic
modules_unload
modules_loaded | sed 's/.*/# & stays/'
ktap_is "$(balance_wrong)" "" "gomem has nothing against them, and everything back"
ktap_print_msg "$(cat /tmp/traffic) allocations"
# Not gomem_finished: some modules cannot be unloaded.
ktap_finished
