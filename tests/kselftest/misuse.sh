#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# misuse.sh - each kind of misuse is reported once, names caller and object, is
# counted under its own key, and leaves the allocator serving.

# shellcheck source=tests/kselftest/ktap.sh
. "$(dirname "$0")/ktap.sh"
# shellcheck source=scripts/lib/reports.sh
. /lib/gomem/reports.sh

KINDS="double_frees_detected interior_pointers_detected foreign_pointers_detected
writes_after_free_detected uses_after_free_detected size_overflows_refused too_large_refused bad_gfp_refused
bad_node_refused bad_order_refused wrong_functions_detected bad_arenas_detected
arena_writes_after_destroy_detected bad_caches_detected bad_cache_args_refused
caches_destroyed_in_use nmi_refused kfrees_detected bad_usercopies_detected"

# case, the key that must rise by one, what the report must say
CASES="
double_free_small:double_frees_detected:double free.*112-byte object
double_free_noscan:double_frees_detected:double free.*24-byte object
double_free_tiny:double_frees_detected:double free.*16-byte shared block .*, behind a live object
double_free_tiny_block:double_frees_detected:double free.*16-byte shared block
double_free_large:double_frees_detected:double free.*free page of the heap
double_free_in_span:double_frees_detected:double free.*512-byte object
interior_small:interior_pointers_detected:not the start of an object.*96-byte object .*+ 8
interior_unaligned:interior_pointers_detected:not the start of an object.*64-byte object .*+ 3
interior_large:interior_pointers_detected:not the start of an object.*large object, + 8192
interior_far:interior_pointers_detected:not the start of an object.*27264-byte object .*+ 16384
interior_tiny:double_frees_detected:double free.*16-byte shared block .*, behind a live object
interior_tiny_end:double_frees_detected:double free.*16-byte shared block .*, behind a live object
foreign_kmalloc:foreign_pointers_detected:no live object.*slab memory, kfree() or
foreign_cache:foreign_pointers_detected:no live object.*slab memory, .*kmem_cache_free() owns it
foreign_kmalloc_large:foreign_pointers_detected:no live object.*\(compound page: \|memory of kmalloc(), \)kfree() owns it
foreign_page:foreign_pointers_detected:no live object.*page allocator, free_pages() owns it
foreign_vmalloc:foreign_pointers_detected:no live object.*vmalloc memory, vfree() or kvfree()
foreign_static:foreign_pointers_detected:no live object.*static_data .*, static, nobody frees it
foreign_text:foreign_pointers_detected:no live object.*foreign_error .*, static, nobody frees it
foreign_kernel:foreign_pointers_detected:no live object.*init_task, static, nobody frees it
foreign_stack:foreign_pointers_detected:no live object.*on the stack, nobody frees it
foreign_percpu:foreign_pointers_detected:no live object.*per-CPU pointer, free_percpu()
foreign_user:foreign_pointers_detected:no live object.*address of user space
foreign_error:foreign_pointers_detected:no live object.*an error code, -12
foreign_wild:foreign_pointers_detected:no live object.*there is no memory
foreign_hole:foreign_pointers_detected:no live object.*there is no memory
foreign_null_member:foreign_pointers_detected:no live object.*page at NULL
realloc_kmalloc:foreign_pointers_detected:slab memory, kfree() or
usable_kmalloc:foreign_pointers_detected:slab memory, kfree() or
sensitive_kmalloc:foreign_pointers_detected:slab memory, kfree() or
scratch_put_kmalloc:foreign_pointers_detected:slab memory, kfree() or
write_after_free:writes_after_free_detected:written to while it was free.*48-byte object
double_free_written:writes_after_free_detected:written to while it was free.*80-byte object
gfp_dma:bad_gfp_refused:refused.*GFP_DMA
gfp_dma32_large:bad_gfp_refused:100000 bytes refused.*GFP_DMA32
gfp_highmem_noscan:bad_gfp_refused:refused.*HIGHMEM
overflow_array:size_overflows_refused:times 8 bytes refused
overflow_calloc:size_overflows_refused:product overflows
overflow_quiet:size_overflows_refused:
too_large:too_large_refused:4194305 bytes refused
too_large_huge:too_large_refused:limit is 4194304
too_large_quiet:too_large_refused:
bad_node:bad_node_refused:no node 12345
bad_node_negative:bad_node_refused:no node -7
realloc_foreign:foreign_pointers_detected:no live object
realloc_free:uses_after_free_detected:object is free.*208-byte object
usable_free:uses_after_free_detected:object is free.*208-byte object
usable_interior:interior_pointers_detected:not the start of an object.*112-byte object .*+ 4
sensitive_twice:double_frees_detected:double free.*112-byte object
rcu_twice:double_frees_detected:double free.*128-byte object
rcu_free:double_frees_detected:double free.*128-byte object
rcu_interior:interior_pointers_detected:not the start of an object.*320-byte object .*+ 16
rcu_foreign:foreign_pointers_detected:no live object
rcu_mightsleep_foreign:foreign_pointers_detected:no live object
bulk_foreign:foreign_pointers_detected:no live object
bulk_interior:interior_pointers_detected:not the start of an object.*208-byte object .*+ 8
bulk_gfp:bad_gfp_refused:100 bytes refused.*GFP_DMA
devm_not_its:wrong_functions_detected:gomem_free() owns this.*112-byte object
devm_gfp:bad_gfp_refused:100 bytes refused.*GFP_DMA
scratch_double_put:double_frees_detected:double free.*4096-byte scratch buffer
scratch_free:wrong_functions_detected:gomem_scratch_put() owns this.*4096-byte scratch buffer
scratch_free_sensitive:wrong_functions_detected:gomem_scratch_put() owns this
scratch_realloc:wrong_functions_detected:gomem_scratch_put() owns this
scratch_interior:interior_pointers_detected:not the start of an object.*4096-byte scratch buffer .*+ 2048
scratch_put_object:wrong_functions_detected:gomem_free() owns this.*4096-byte object
scratch_put_foreign:foreign_pointers_detected:no live object
scratch_order:bad_order_refused:order 5 refused
scratch_gfp:bad_gfp_refused:8192 bytes refused.*GFP_DMA
arena_free:wrong_functions_detected:gomem_arena_destroy() owns this.*8192-byte block of an arena
arena_free_sensitive:wrong_functions_detected:gomem_arena_destroy() owns this
arena_realloc:wrong_functions_detected:gomem_arena_destroy() owns this
arena_usable:wrong_functions_detected:gomem_arena_destroy() owns this
arena_put:wrong_functions_detected:gomem_arena_destroy() owns this
arena_destroy_object:bad_arenas_detected:no arena.*block of an arena
arena_double_destroy:bad_arenas_detected:arena was destroyed already
arena_alloc_destroyed:bad_arenas_detected:arena was destroyed already
arena_foreign:bad_arenas_detected:no arena
arena_gfp:bad_gfp_refused:refused.*GFP_DMA32
arena_too_large:too_large_refused:4194305 bytes refused
cache_gone:bad_caches_detected:no cache, or destroyed already
cache_realloc:wrong_functions_detected:would change what.*100-byte object .* of cache misuse
cache_sensitive:wrong_functions_detected:would change what.*100-byte object .* of cache misuse
cache_too_large:bad_cache_args_refused:cache misuse refused: 4194304 bytes
none::
"

# One case's files: gomem's stats before and after it, and what the kernel logged since the
# last one. Few programs look at them, since a debug kernel takes a tenth of a second to
# start one.
before=/tmp/misuse.before
after=/tmp/misuse.after
log=/tmp/misuse.log
all=/tmp/misuse.all

# begin: what comes until the next end is one case
begin()
{
	dmesg -c >/dev/null
	cat "$gomem_stats" >$before
}

end()
{
	cat "$gomem_stats" >$after
	dmesg -c >$log
	cat $log >>$all
}

# Ten of a kind are printed in five seconds: not so many of them before that is over.
pace()
{
	n=0
	eval "n=\$((\${seen_$1:-0} + 1)); seen_$1=\$n"
	[ $((n % 9)) != 0 ] || sleep 6
}

# judge KEY WANT: prints what is wrong with a case: the counters of @KINDS that changed,
# but for KEY by one; more or fewer reports than WANT, or one that does not name the caller.
# What the kernel knows of a slab object is a line of its own.
judge()
{
	awk -v kinds="$KINDS" -v key="$1" -v want="$2" '
		BEGIN { for (n = split(kinds, k); n; n--) is_kind[k[n] ":"] = 1; n = 0 }
		FNR == 1 { file++ }
		file == 1 && $1 in is_kind { old[$1] = $2 }
		file == 2 && $1 in is_kind { delta[$1] = $2 - old[$1] }
		file == 3 && / gomem: / && !/ gomem: that is slab / { n++ }
		file == 3 && /by .*\[gomem_misuse\]/ { named = 1 }
		END {
			for (kind in delta)
				if (delta[kind] != (kind == key ":"))
					print kind, "changed by", delta[kind]
			if (n != want)
				print n, "reports instead of", want
			else if (want && !named)
				print "caller not named"
		}' $before $after $log
}

# one_case NAME KEY TEXT
one_case()
{
	[ -z "$2" ] || pace "$2"
	rc=0 want=0
	[ -z "$3" ] || want=1
	echo "$1" >/sys/module/gomem_misuse/parameters/case || rc=1
	end
	problem=$(judge "$2" $want)
	mv $after $before
	[ $rc = 0 ] || problem="$problem; the client found an effect"
	[ -z "$3" ] || grep ' gomem: ' $log | grep -q "$3" || problem="$problem; no report of: $3"

	if [ -z "$problem" ]; then
		ktap_ok "$1"
	else
		ktap_not_ok "$1"
		ktap_diag "$problem"
		ktap_diag "$(grep ' gomem: ' $log)"
	fi
}

ktap_leaves="clients leak objects on purpose"
ktap_header
ktap_plan $(($(echo "$CASES" | grep -c :) + 15))
insmod gomem.ko && insmod gomem_misuse.ko case=none || exit 1
# The console takes longer than all else.
level=$(cut -f 1 /proc/sys/kernel/printk)
echo 1 >/proc/sys/kernel/printk
begin
while IFS=: read -r name key text; do
	[ -n "$name" ] && one_case "$name" "$key" "$text"
done <<EOF
$CASES
EOF

one_case foreign_cache foreign_pointers_detected 'slab memory'
grep -q 'gomem: that is slab gomem_misuse ' $log
ktap_is $? 0 "the object's cache is named"

# With arenas in quarantine.
echo 1 >/sys/module/gomem/parameters/debug
one_case arena_double_destroy bad_arenas_detected 'arena was destroyed already'
one_case arena_write_destroyed arena_writes_after_destroy_detected \
	'written to after it was destroyed.*8192-byte block, 24 bytes from + 40'
echo 0 >/sys/module/gomem/parameters/debug
echo arena_write_destroyed >/sys/module/gomem_misuse/parameters/case
ktap_is "$(gomem_stat arena_writes_after_destroy_detected)" 1 "without debug that is not seen"

echo 1 >/sys/kernel/debug/gomem/check
ktap_is "$(cat /sys/kernel/debug/gomem/check)" ok "the heap is sound after all of it"
insmod gomem_torture.ko seconds=1
ktap_is $? 0 "and keeps serving"
rmmod gomem_torture
# The object of write_after_free stays aside; that of double_free_written had two
# frees, and one was undone.
ktap_is $(($(gomem_stat mallocs) - $(gomem_stat frees))) 1 "nothing else was lost"

# The cache itself stays then.
begin
one_case cache_left caches_destroyed_in_use \
	'cache misuse: 3 objects of 100 bytes were never freed: 8 KiB are lost until they are'

# dumped CASE PATTERN...: lines that the log has, all of them
dumped()
{
	begin
	echo "$1" >/sys/module/gomem_misuse/parameters/case
	end
	name=$1
	shift
	missing=
	for pattern; do
		grep -q "gomem: $pattern" $log || missing="$missing; $pattern"
	done
	ktap_is "$missing" "" "$name: in the log"
}

dumped dump_live 'address: [0-9a-f]*, asked by dump_live+.*gomem_misuse' \
	'what: 96-byte object [0-9]* of 85 in its span, + 5' 'state: live' \
	'object: 5 bytes below, 96 bytes' 'above: 91 bytes above, ' 'owner: gomem_free() takes it back'
dumped dump_kmalloc "what: not gomem's: slab memory"

echo "$level" >/proc/sys/kernel/printk
ktap_is "$(first_report <$all)" "" "the kernel itself reported nothing"

# Objects leaked by a client that left are named at unload, and left alone.
echo leak >/sys/module/gomem_misuse/parameters/case
rmmod gomem_misuse
dmesg -c >/dev/null
rmmod gomem
ktap_is $? 0 "unload with leaked objects"
dmesg | grep -q 'leaked: 4 objects of 48 bytes' &&
	dmesg | grep -q 'leaked: 1 large objects, 106496 bytes' &&
	dmesg | grep -Eq 'leaked: 3 objects in [123] blocks of 16 bytes that they share' &&
	dmesg | grep -q 'leaked: 1 scratch buffers of 4096 bytes' &&
	dmesg | grep -q 'leaked in all: 9 objects, .* KiB that they lie in are lost until the next boot'
ktap_is $? 0 "names them by number and size"
dmesg | grep -q 'leaked: arena [0-9a-f]*, 73728 bytes, never destroyed' &&
	dmesg | grep -q 'leaked in all: 1 arenas, 73728 bytes: lost until the next boot'
ktap_is $? 0 "and an arena by its bytes"
ktap_finish
