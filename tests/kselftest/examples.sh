#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# examples.sh - the example modules of the documentation: each logs what it
# should, and leaves no memory behind.
#
# machine: --cpus=1
# make check: in User-Mode Linux

# shellcheck source=tests/kselftest/ktap.sh
. "$(dirname "$0")/ktap.sh"

# expect MODULE TEXT: load and unload a module. Pass if it logs TEXT once.
expect()
{
	insmod "$1.ko"
	ktap_is "$(dmesg | grep -c "$2")" 1 "$1: $2"
	rmmod "$1"
	ktap_is $? 0 "$1: unloads"
}

ktap_print_header
ktap_set_plan 12
mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null
dmesg -c >/dev/null
insmod gomem.ko
expect gomem_hello "hello from gomem, in 24 bytes"
expect gomem_records "1000 records of 2[0-9]* bytes"
expect gomem_lookup "odd: 99"
expect gomem_reserve "16 requests reserved, sum 700"
expect gomem_parser "300 words, the longest of 5 letters"
rmmod gomem
ktap_is "$(dmesg | grep -c "every object and page came back")" 1 "nothing is left"
gomem_finished
