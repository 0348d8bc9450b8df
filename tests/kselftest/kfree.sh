#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# kfree.sh - kfree() of a gomem object makes the kernel complain once, and does
# no harm: the page and its other objects stay as they are. Up to Linux 6.17,
# kfree() drops a reference of the page. gomem detects the missing reference when
# the page is to go back to the kernel. It reports the call, and keeps the page.
# For pages that stay in use, gomem detects and reports the call when the heap is
# checked and at unload. Newer kernels drop no reference. There only a probe on
# kfree() detects the call.
#
# machine: --cpus=1
# make check: in User-Mode Linux

# shellcheck source=tests/kselftest/ktap.sh
. "$(dirname "$0")/ktap.sh"
# shellcheck source=scripts/lib/reports.sh
. /lib/gomem/reports.sh

# The kernel's complaint about a kfree() of a gomem object. On kernels with
# KASAN it comes from KASAN.
COMPLAINT='WARNING: .*free_large_kmalloc|BUG: KASAN: invalid-free'
COMPLAINT="$COMPLAINT|page dumped because: Not a kmalloc allocation"

# Print the first report of the kernel other than this complaint.
other_report()
{
	log_whole && dmesg | grep -vE "$COMPLAINT|$report_mark" | first_report
}

LATE="gomem's memory was freed 1 time with kfree() or put_page(), found late"

scavenge()
{
	echo 1 >/sys/kernel/debug/gomem/scavenge
}

# kfreed CASE: load gomem_misuse with a case, and unload it. dmesg -n 1 below
# keeps the kernel's warning off the console.
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

# detected N: print how many of N calls gomem has to detect on this kernel.
detected()
{
	if drops_reference; then echo "$1"; else echo 0; fi
}

ktap_print_header
ktap_set_plan 32
need_insmod gomem.ko
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

# A page reference of another user is no misuse. The page is freed when that
# reference is dropped.
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

# The pages of objects that only kfree() freed stay in use. The check of the
# heap detects these calls.
check()
{
	echo 1 >/sys/kernel/debug/gomem/check
	head -n 1 /sys/kernel/debug/gomem/check
}

dmesg -c >/dev/null
before=$(gomem_stat kfrees_detected)
kfreed kfree_leak
ktap_is "$(check)" ok "objects that nobody frees but the kernel: the heap is sound"
ktap_is "$(($(gomem_stat kfrees_detected) - before))" "$(detected 5)" "the check counts them"
ktap_is "$(dmesg | grep -c "gomem: 5 objects of 96 bytes freed with the kernel's kfree()")" \
	"$(detected 1)" "and says which they are"
check >/dev/null
ktap_is "$(($(gomem_stat kfrees_detected) - before))" "$(detected 5)" "once"
ktap_is "$(sed -n 2p /sys/kernel/debug/gomem/check)" \
	"modules freed gomem's memory $(gomem_stat kfrees_detected) times with kfree() or put_page(), which cannot free it: see \"What the kernel frees\" in Documentation/override.rst" \
	"and keeps saying so"
hidden=1
! drops_reference || hidden=0
ktap_is "$(grep -c "kfree() of gomem's memory, which leaves no other trace" /sys/kernel/debug/gomem/check)" \
	$hidden "and that it may not have seen all, where a kfree() leaves no trace"

dmesg -c >/dev/null
kfreed kfree_cache
suffix=", or freed with kfree(), which leaves no trace (see kfree_probe)"
! drops_reference || suffix=", 3 of them freed with the kernel's kfree() or put_page()"
ktap_is "$(dmesg | grep -cF "cache misuse: 3 objects of 72 bytes were never freed$suffix: ")" 1 \
	"so does the end of a typed cache"

# With the probe on every kfree(), all kernels give the same result, and the
# caller is known.
echo 1 >/sys/module/gomem/parameters/kfree_probe
ktap_is "$(cat /sys/module/gomem/parameters/kfree_probe)" Y "each kfree() can be looked at"
dmesg -c >/dev/null
before=$(gomem_stat kfrees_detected)
kfreed kfree_leak
text="gomem: the kernel's kfree() cannot free this: .* (96-byte object .* by kfree_leak+"
ktap_is "$(dmesg | grep -c "$text")" 5 "then each is reported with its caller"
check >/dev/null
ktap_is "$(($(gomem_stat kfrees_detected) - before))" 5 "and counted once"
echo 0 >/sys/module/gomem/parameters/kfree_probe
kfreed kfree_leak
ktap_is "$(dmesg | grep -c "$text")" 5 "and no more when that is over"

# Newer kernels print the state of the page at each call, which takes too long.
if drops_reference; then
	kfreed kfree_storm
	ktap_is $? 0 "100000 of one object do not take the page from the others"
else
	ktap_test_skip "100000 of one object do not take the page from the others" "no reference is dropped"
fi
scavenge

insmod gomem_torture.ko seconds=1
ktap_is $? 0 "gomem keeps serving"
rmmod gomem_torture
ktap_is "$(check)" ok "the heap is sound"
dmesg -c >/dev/null
rmmod gomem
came_back=$(dmesg | grep -c 'gomem: unloaded: every object and page came back')
ktap_is "$came_back" 0 "unload, with every page but those"
seen=5
! drops_reference || seen=15
text="leaked: 15 objects of 96 bytes, $seen of them freed with the kernel's kfree() or put_page()"
ktap_is "$(dmesg | grep -c "$text")" 1 "it says what the kernel freed of what was leaked"
ktap_is "$(dmesg | grep -c 'leaked: kfree() and put_page() cannot free gomem.s memory')" 1 \
	"and what to do about it"
need_insmod gomem.ko kfree_probe=1
kfreed kfree_leak
ktap_is "$(gomem_stat kfrees_detected)" 5 "each kfree() can be looked at from the beginning"
rmmod gomem
need_insmod gomem.ko
kfreed kfree_leak
rmmod gomem
text='kfree() and put_page() cannot free gomem.s memory'
drops_reference || text='perhaps kfree() was called for some, which cannot free gomem.s memory and leaves no trace'
ktap_is "$(dmesg | tail -n 3 | grep -c "$text")" 1 "also where nothing was looked at before"
ktap_is "$(other_report)" "" "the kernel had no other complaint"
dmesg -n 7
# Not gomem_finished: objects that were freed with kfree() stay.
ktap_finished
