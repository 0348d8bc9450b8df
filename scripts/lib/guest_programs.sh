# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Take programs of this host, or a module of tests/modules, into a machine of
# scripts/vm, which has only busybox. Needs kernels.sh.

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

# client_modules DIR KERNEL NAME: build gomem and the module NAME of tests/modules
# for a kernel, and put both into the new directory DIR.
# shellcheck disable=SC2154 # top is from common.sh
client_modules()
{
	local dir=$1 kernel=$2 name=$3

	make -s -C "$top" KERNEL="$kernel" TESTS=modules modules >&2
	mkdir "$dir"
	cp "$top/build/$kernel/gomem/gomem.ko" "$top/build/$kernel/tests/modules/$name.ko" "$dir"
	"$(kernel_strip "$kernel")" --strip-debug "$dir"/*.ko
}
