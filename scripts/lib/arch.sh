# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The differences between the architectures of the kernels that scripts/vm
# knows: packages, compilers, machines. Architectures have Debian's names:
# amd64, arm64, riscv64. The host is an amd64. Sourced by kernels.sh.

# shellcheck disable=SC2154 # kernels.sh and common.sh set cache and stock_kernels
# shellcheck disable=SC2034 # scripts/vm uses the tables

# The prefix of the names of an architecture's compilers and tools.
declare -rA arch_triplet=(
	[amd64]=x86_64-linux-gnu
	[arm64]=aarch64-linux-gnu
	[riscv64]=riscv64-linux-gnu
)

# kernel_arch NAME: print the architecture of a kernel.
kernel_arch()
{
	case $1 in
	arm64-*) echo arm64 ;;
	riscv64-*) echo riscv64 ;;
	*) echo amd64 ;;
	esac
}

# arch_kernel ARCH NAME: print the kernel of the architecture that has the same
# version as the kernel NAME. For "stock", it is ARCH's first one in stock_kernels.
arch_kernel()
{
	local arch=$1 name=$2 row

	[[ -n ${arch_triplet[$arch]:-} ]] ||
		die "architecture \"$arch\" is not known: ${!arch_triplet[*]}"
	[[ $arch != amd64 ]] || { echo "$name"; return; }
	if [[ $name == stock-* ]]; then
		echo "$arch-${name#stock-}"
		return
	fi
	[[ $name == stock ]] || die "--arch is for Debian's kernels, and $name is none of them"
	for row in "${stock_kernels[@]}"; do
		[[ $row != "$arch"-* ]] || { echo "${row%% *}"; return; }
	done
}

# --- Packages ---------------------------------------------------------------

# Print the path of a program of the toolchain that builds modules for a kernel.
kernel_tool()
{
	local name=$1 tool=$2 suite meta release version dir triplet

	stock_kdir "$name" >/dev/null
	stock_resolve "$name"
	triplet=${arch_triplet[$(kernel_arch "$name")]}
	echo "$dir/toolchain/usr/bin/$triplet-$tool"
}

# kernel_strip NAME: print the program that strips modules for a kernel.
kernel_strip()
{
	if [[ $(kernel_arch "$1") == amd64 ]]; then
		echo strip
	else
		kernel_tool "$1" strip
	fi
}

# Print the path of a static busybox for a kernel.
kernel_busybox()
{
	local arch suite meta release version dir

	arch=$(kernel_arch "$1")
	[[ $arch != amd64 ]] || { echo /bin/busybox; return; }
	stock_resolve "$1"
	version=$(suite_field "$suite" "busybox-static:$arch" Version)
	[[ -n $version ]] || die "$suite has no package busybox-static"
	dir=$cache/debian/busybox-${arch}_$version
	[[ -e $dir/busybox ]] ||
		locked "$dir.lock" fetch_busybox "$suite" "$arch" "$version" "$dir"
	echo "$dir/busybox"
}

fetch_busybox()
{
	local suite=$1 arch=$2 version=$3 dir=$4 tmp

	[[ ! -e $dir/busybox ]] || return 0
	mkdir -p "$dir"
	tmp=$(mktemp -d "$dir/tmp.XXXXXX")
	suite_fetch "$suite" "$tmp" "busybox-static:$arch" "$version"
	unpack_package "$tmp"/*.deb "$tmp"
	mv "$(find "$tmp" -type f -path '*/bin/busybox')" "$dir/busybox"
	rm -rf "$tmp"
}

# fetch_build_packages SUITE DIR RELEASE VERSION: download the headers of a
# kernel, and the compiler and the programs that build modules with them.
#
# The headers of another architecture depend on a compiler that runs on that
# architecture. Instead, take the compiler of the same version that runs on the
# host. Debian's package linux-kbuild, with programs for building modules, is
# for the host, and builds for all architectures. All of these are unpacked in
# the cache, as for amd64. So the host's own compiler is not used: modules are
# built by the version of the compiler that built the kernel.
fetch_build_packages()
{
	local suite=$1 dir=$2 release=$3 version=$4 arch package=linux-headers-$3
	local depends word
	local -a tools=()

	arch=$(suite_arch "$suite")
	if [[ -z $arch ]]; then
		suite_fetch_all "$suite" "$dir" "$package=$version"
		return
	fi
	depends=$(suite_field "$suite" "$package" Depends)
	for word in ${depends//[(,=)]/ }; do
		case $word in
		linux-headers-*-common) tools+=("$word=$version") ;;
		linux-kbuild-*) tools+=("$word") ;;
		gcc-[0-9]*) tools+=("${word%-for-host}-${arch_triplet[$arch]}") ;;
		esac
	done
	suite_fetch "$suite" "$dir" "$package" "$version"
	suite_fetch_all "$suite" "$dir" "${tools[@]}"
}

# --- Machines ---------------------------------------------------------------

# Emulated processors. On amd64, a CPU with all features except five-level page
# tables, with which addresses differ from those of most machines. On arm64, a
# server's CPU. It has the atomic instructions of ARMv8.1, but no pointer
# authentication, which takes most of an emulator's time.
declare -rA arch_cpu=(
	[amd64]="max,la57=off"
	[arm64]=neoverse-n1
	[riscv64]=rv64
)

# The device that is the kernel's console.
declare -rA arch_console=([amd64]=ttyS0 [arm64]=ttyAMA0 [riscv64]=ttyS0)

# The serial devices for the output of the command and for the control channel.
# They are numbered after the serial ports that the board has itself.
declare -rA arch_output=([amd64]=ttyS1 [arm64]=ttyS0 [riscv64]=ttyS1)
declare -rA arch_control=([amd64]=ttyS2 [arm64]=ttyS1 [riscv64]=ttyS2)

arch_qemu()
{
	case $1 in
	amd64) echo qemu-system-x86_64 ;;
	arm64) echo qemu-system-aarch64 ;;
	*) echo "qemu-system-$1" ;;
	esac
}

# arch_board ARCH: print the options for a machine with three serial ports that
# are connected to the chardevs console, output and control.
arch_board()
{
	local port index=0

	if [[ $1 == amd64 ]]; then
		echo "-machine pc"
		for port in console output control; do
			echo "-device isa-serial,chardev=$port,index=$index"
			index=$((index + 1))
		done
		return
	fi
	# "virt" is a machine that exists only in QEMU. On arm64 its default
	# interrupt controller, of version 2, allows no more than 8 CPUs.
	[[ $1 != arm64 ]] || echo "-machine virt,gic-version=3"
	[[ $1 == arm64 ]] || echo "-machine virt"
	echo "-serial chardev:console"
	for port in output control; do
		echo "-device pci-serial,chardev=$port"
	done
}
