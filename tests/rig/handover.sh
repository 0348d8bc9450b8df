#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Test that scripts/handover finds what it should, and nothing else. It reads
# the modules in tests/rig/handover/modules, with the sources in
# tests/rig/handover/kernel as the kernel. A comment in a module tells the rank
# with which scripts/handover has to find its line. Lines without such a comment
# must not be found. Prints KTAP lines.

set -euo pipefail
# shellcheck source=scripts/lib/common.sh
. "$(dirname "$0")/../../scripts/lib/common.sh"

here=$top/tests/rig/handover
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failed=0

verdict()
{
	local name=$1 wrong=$2

	if [[ -z $wrong ]]; then
		echo "ok $name"
		return
	fi
	echo "not ok $name: $wrong"
	sed 's/^/# /' "$tmp/out" "$tmp/diff"
	failed=1
}

# handover STATUS ARGUMENT...: run scripts/handover. Set wrong if its exit
# status is not STATUS.
handover()
{
	local want=$1 status=0

	shift
	: >"$tmp/diff"
	"$top/scripts/handover" "$@" >"$tmp/out" 2>&1 || status=$?
	wrong=
	((status == want)) || wrong="status $status, not $want"
}

# module_test FILE: compare the "RANK: FILE:LINE" of each printed line with the
# comments in FILE.
module_test()
{
	local file=$1 wrong status=1

	grep -qE 'expect: (certain|likely|look at)' "$file" || status=0
	handover $status "--source=$here/kernel" "$file"
	sed -nE 's|^([a-z ]+: )[^ ]*/([^/:]+:[0-9]+): .*|\1\2|p' "$tmp/out" | sort >"$tmp/found"
	sed -nE "=; s|.*/\* expect: ([a-z ]+) \*/\$|\1|p" "$file" |
		awk -v file="${file##*/}" '/^[0-9]+$/ { line = $0 }
			/^[a-z][a-z ]*$/ { print $0 ": " file ":" line }' |
		sort >"$tmp/wanted"
	diff "$tmp/wanted" "$tmp/found" >"$tmp/diff" || wrong=${wrong:-other lines are found}
	verdict "${file##*/}" "$wrong"
}

# A printed line names the function that frees the memory, where its code is,
# and what to do.
text_test()
{
	local wrong what="p->note = kmalloc(): freed as note of a struct parcel"
	local where="lib/parcel.c:22 parcel_free() [vmlinux]" out="gomem_kernel_kmalloc()"

	handover 1 "--source=$here/kernel" "$here/modules/flags.c"
	grep -qF "$what by $where: $out" "$tmp/out" || wrong=${wrong:-the line has another text}
	verdict "text of a line" "$wrong"
}

directory_test()
{
	local wrong

	handover 1 "--source=$here/kernel" "$here/modules"
	tail -n 1 "$tmp/out" | grep -qE '^hand-overs: [1-9][0-9]* certain, [1-9].* of which 1 skipped$' ||
		wrong=${wrong:-the last line does not count}
	verdict "directory" "$wrong"
}

# If both files of a module are given, the module is read only once.
parts_test()
{
	local wrong two=$here/modules/two

	handover 1 "--source=$here/kernel" "$two/two_text.c" "$two/two_main.c"
	tail -n 1 "$tmp/out" | grep -q '^hand-overs: 1 certain, 1 likely, 0 ' ||
		wrong=${wrong:-other numbers}
	verdict "both files of a module" "$wrong"
}

# Of a built module, only the symbols are known. This one calls a function that
# frees its argument, and one that does not.
built_test()
{
	local wrong

	if ! have cc || ! have nm; then
		echo "ok built module # SKIP no compiler"
		return
	fi
	echo 'void parcel_consume(void *); void parcel_read(void *);
		void f(void *p) { parcel_read(p); parcel_consume(p); }' |
		cc -c -x c -o "$tmp/module.ko" -
	handover 1 "--source=$here/kernel" "$tmp/module.ko"
	grep -q '^look at: .*module.ko: calls parcel_consume(): data is freed by lib/parcel.c' "$tmp/out" ||
		wrong=${wrong:-parcel_consume() is not found}
	! grep -q 'parcel_read' "$tmp/out" || wrong=${wrong:-parcel_read() is found}
	verdict "built module" "$wrong"
}

usage_test()
{
	local wrong

	handover 2 "--source=$here/kernel"
	verdict "no module" "$wrong"
	handover 2 "--source=$here/kernel" nowhere.c
	verdict "no such module" "$wrong"
	handover 2 --unknown "$here/modules/flags.c"
	verdict "unknown option" "$wrong"
}

echo "KTAP version 1"
for file in "$here"/modules/*.c "$here/modules/two/two_main.c"; do
	module_test "$file"
done
text_test
directory_test
parts_test
built_test
usage_test
exit $failed
