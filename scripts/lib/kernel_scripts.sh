# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Find the scripts/ directory of the kernel's sources, with checkpatch and
# kernel-doc. Sourced after kernels.sh.

# Set kernel_scripts to the scripts/ directory of the kernel sources. They are a
# compressed archive, so the needed part is kept in the cache. Since Linux 7.0,
# kernel-doc is a link into tools/.
find_kernel_scripts()
{
	local archive

	archive=$(source_archive debug) || return
	# shellcheck disable=SC2154 # common.sh sets it
	kernel_scripts=$cache/checkers/$(basename "$archive" .tar.xz)/scripts
	# Return the status: in a check, a failure does not end the script.
	[[ -e $kernel_scripts ]] || locked "$cache/scripts.lock" unpack_scripts "$archive"
}

unpack_scripts()
{
	local archive=$1 dir=${kernel_scripts%/*}

	[[ ! -e $kernel_scripts ]] || return 0
	require check xz
	say "unpacking scripts/ of ${archive##*/}"
	rm -rf "$dir.new"
	mkdir -p "$dir.new" &&
		tar -x -C "$dir.new" --strip-components=1 --no-same-owner -f "$archive" \
			--wildcards '*/scripts' '*/tools/docs' '*/tools/lib/python' &&
		mv "$dir.new" "$dir"
}
