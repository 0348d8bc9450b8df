#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# kfree.sh - kfree() of an object of gomem's makes the kernel complain, once, and harms
# nobody: the page and its other objects stay as they are. Up to 6.17 kfree() drops a
# reference of the page. Then gomem reports it when the page is to go back, and leaves the
# page out. Newer kernels drop none, so that nothing is left to be seen.

# shellcheck source=tests/kselftest/ktap.sh
. "$(dirname "$0")/ktap.sh"
# shellcheck source=scripts/lib/reports.sh
. /lib/gomem/reports.sh

# What the kernel says of such a kfree(); with KASAN, it is KASAN that does.
COMPLAINT='WARNING: .*free_large_kmalloc|BUG: KASAN: invalid-free'
COMPLAINT="$COMPLAINT|page dumped because: Not a kmalloc allocation"

# Prints the first report that is another one.
other_report()
{
	dmesg | grep -vE "$COMPLAINT|$report_mark" | first_report
}

LATE="gomem's memory was freed 1 time with kfree() or put_page(), found late"

scavenge()
{
	echo 1 >/sys/kernel/debug/gomem/scavenge
}

# kfreed CASE: the client does it; the kernel's warning is not for the console.
kfreed()
{
	insmod gomem_misuse.ko case="$1"
	rc=$?
	[ $rc = 0 ] && rmmod gomem_misuse
	return $rc
}

drops_reference()
{
	case $(uname -r) in
	6.[0-9].*|6.1[0-7].*) return 0 ;;
	*) return 1 ;;
	esac
}

# detected N: what gomem is to have seen of N calls
detected()
{
	if drops_reference; then echo "$1"; else echo 0; fi
}

ktap_leaves="objects that were freed with kfree() stay"
ktap_header
ktap_plan 16
insmod gomem.ko || exit 1
dmesg -n 1
touch /run/reports-expected

kfreed kfree_object
ktap_is $? 0 "an object is freed with kfree(), the others are not harmed"
dmesg | grep -qE "$COMPLAINT"
ktap_is $? 0 "the kernel complained"
ktap_is "$(gomem_stat kfrees_detected)" 0 "gomem does not know yet"
ktap_is "$(other_report)" "" "and of nothing else"
dmesg -c >/dev/null
scavenge
ktap_is "$(gomem_stat kfrees_detected)" "$(detected 1)" \
	"it knows when the page is to go back, of a reference that was dropped"
ktap_is "$(dmesg | grep -c "$LATE")" "$(detected 1)" "and says so"

kfreed kfree_often
ktap_is $? 0 "a hundred objects of one page"
scavenge
ktap_is "$(gomem_stat kfrees_detected)" "$(detected 101)" "all are counted"

# A reference that a user still has is no misuse; the page goes when it is dropped.
insmod gomem_misuse.ko case=page_kept && scavenge && rmmod gomem_misuse
dmesg | grep -q 'kept page: 1 reference, contents kept'
ktap_is $? 0 "a page whose object was freed stays while somebody has a reference"
ktap_is "$(gomem_stat kfrees_detected)" "$(detected 101)" "that is no misuse"

dmesg -c >/dev/null
kfreed page_put
scavenge
ktap_is "$(gomem_stat kfrees_detected)" $(($(detected 101) + 1)) \
	"a reference that put_page() drops is missed on each kernel"
ktap_is "$(dmesg | grep -c "$LATE")" 1 "gomem says so"

insmod gomem_torture.ko seconds=1
ktap_is $? 0 "gomem keeps serving"
rmmod gomem_torture
echo 1 >/sys/kernel/debug/gomem/check
ktap_is "$(cat /sys/kernel/debug/gomem/check)" ok "the heap is sound"
rmmod gomem
came_back=$(dmesg | grep -c 'gomem: unloaded: every object and page came back')
ktap_is "$came_back" 0 "unload, with every page but those"
ktap_is "$(other_report)" "" "the kernel had no other complaint"
dmesg -n 7
ktap_finish
