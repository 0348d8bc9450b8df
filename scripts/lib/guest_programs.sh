# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Take programs of this host into a machine of scripts/vm, which has only
# busybox.

# guest_program DIR PROGRAM: copy a program and its libraries into DIR, each to
# the path that it has on this host. "scripts/vm run --add=DIR:/." then puts them
# to the same paths in the machine, where the loader looks for them. The
# program goes to /usr/bin. Data files of the program are not copied.
guest_program()
{
	local dir=$1 program file

	program=$(command -v "$2")
	mkdir -p "$dir/usr/bin"
	cp -L "$program" "$dir/usr/bin/"
	for file in $(ldd "$program" | grep -o '/[^ ]*'); do
		[[ ! -e $dir/$file ]] || continue
		mkdir -p "$dir/${file%/*}"
		cp -L "$file" "$dir/$file"
	done
}
