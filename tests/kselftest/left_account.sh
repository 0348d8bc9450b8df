#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# left_account.sh - a module is unloaded without destroying its account. gomem
# closes and reports the account: its callback never runs again, its objects can
# be freed, and each later use of the account is reported.
#
# machine: --cpus=1
# make check: in User-Mode Linux

# shellcheck source=tests/kselftest/ktap.sh
. "$(dirname "$0")/ktap.sh"

FILE=/sys/kernel/debug/gomem/accounts
USE=/sys/module/gomem_keeper/parameters/use
CALLS=/sys/module/gomem_keeper/parameters/calls

ktap_print_header
ktap_set_plan 20

# column N: print a column of the account's row.
column()
{
	awk -v c="$1" '$12 == "of\\040quitter" { print $c }' $FILE
}

# use HOW: use the account as the parameter use of gomem_keeper says. Print how
# many uses of a bad account gomem detected.
use()
{
	before=$(gomem_stat bad_accounts_detected)
	echo "$1" >$USE || echo failed
	echo $(($(gomem_stat bad_accounts_detected) - before))
}

need_insmod gomem.ko
need_insmod gomem_keeper.ko
need_insmod gomem_quitter.ko
ktap_is "$(column 10) $(column 3) $(column 1)" "live 3 192" "an account with objects"
dmesg -c >/dev/null
rmmod gomem_quitter
ktap_is "$(dmesg | grep -c 'gomem: account of quitter of module gomem_quitter was not destroyed: closed, with 3 objects of 192 bytes')" \
	1 "it is reported when its module is unloaded"
ktap_is "$(gomem_stat left_accounts_detected)" 1 "and counted"
ktap_is "$(column 10) $(column 3) $(column 1)" "closed 3 192" "its objects stay charged"

# The callback was in the unloaded module. It would run when more than 384 bytes
# are charged.
ktap_is "$(use grow)" 0 "an object may grow"
ktap_is "$(column 1)" 4224 "and its charge with it"
ktap_is "$(use alloc) $(column 1)" "1 4224" "an allocation succeeds, charges nothing, and is reported"
ktap_is "$(dmesg | grep -c 'gomem: account of quitter was closed when its module was unloaded: .*, by .*gomem_keeper')" \
	1 "with the name and the caller"
ktap_is "$(use enter) $(column 1)" "1 4224" "so is a section"
ktap_is "$(use bytes)" 1 "and the question for its bytes"
ktap_is "$(use destroy)" 1 "and its destruction"
sleep 1
ktap_is "$(cat $CALLS)" 0 "the callback did not run"
ktap_is "$(use free)" 0 "the objects can be freed"
ktap_is "$(column 10) $(column 3) $(column 1)" "closed 0 0" "and are not charged any more"
ktap_is "$(use alloc)" 1 "the handle is known to be closed even then"
echo free >$USE

# A load that fails ends with an unload. The insmod of busybox tries twice, by
# two system calls, and the module may get the same address again.
insmod gomem_quitter.ko fail=Y 2>/dev/null
left=$(gomem_stat left_accounts_detected)
ktap_test_result "so is the account of a module that fails to load ($left)" [ "$left" -ge 2 ]
ktap_is "$(column 10 | grep -c closed)" "$left" "each has its row"
echo free >$USE

# An account that its module destroys is not reported.
insmod gomem_paths.ko account=Y
rmmod gomem_paths
ktap_is "$(gomem_stat left_accounts_detected)" "$left" "an account that was destroyed is not reported"

ktap_is "$(gomem_check)" ok "the heap is consistent"
dmesg -c >/dev/null
gomem_finished
