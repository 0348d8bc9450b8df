# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The kernels that scripts/vm knows by name: where their images and build
# directories for modules are, and how to fetch or build them.

# shellcheck source=scripts/lib/suites.sh
. "${BASH_SOURCE[0]%/*}/suites.sh"
# shellcheck source=scripts/lib/arch.sh
. "${BASH_SOURCE[0]%/*}/arch.sh"

# Layout of the cache:
#
#   debian/RELEASE_VERSION/vmlinuz    image from a Debian package
#   debian/RELEASE_VERSION/vmlinux    the same, unpacked; empty if there is no need
#   debian/RELEASE_VERSION/headers/   headers from Debian packages
#   debian/RELEASE_VERSION/toolchain  link to the matching compiler
#   debian/RELEASE_VERSION/modules/   the kernel's own modules
#   debian/RELEASE_VERSION/depmod/    their dependencies, for modprobe -d
#   debian/busybox-ARCH_VERSION/      busybox of another architecture
#   toolchain/HASH/                  compiler and libraries, unpacked
#   source/PACKAGE_VERSION.tar.xz    the kernel's sources
#   kernels/NAME-HASH/bzImage        image built here; "linux" if User-Mode Linux
#   kernels/NAME-HASH/build/         build directory for modules
#   kernels/NAME-HASH/ready          exists when the two above are complete

# Debian's kernels: NAME, SUITE, and the part after "linux-headers-" in the name
# of the meta package that depends on the newest release. An @ in the name
# stands for the version that the suite has at the moment, such as 7.3. If two
# suites have the same version, the name of the second ends in the suite's name.
readonly stock_kernels=(
	"stock               bookworm         amd64"
	"stock-rt            bookworm         rt-amd64"
	"stock-6.12          bookworm         6.12-amd64"
	"stock-6.12-rt       bookworm         6.12-rt-amd64"
	"stock-6.12-deb13    trixie           amd64"
	"stock-6.12-deb13-rt trixie           rt-amd64"
	"stock-@             trixie-backports amd64"
	"stock-@-rt          trixie-backports rt-amd64"
	"stock-@             sid              amd64"
	"stock-@-rt          sid              rt-amd64"
	"arm64-6.1           bookworm-arm64   arm64"
	"arm64-6.12          bookworm-arm64   6.12-arm64"
	"arm64-@             trixie-backports-arm64 arm64"
	"riscv64-6.12        trixie-riscv64   riscv64"
)

# The directory of the files that configure the kernels built here. A kernel
# whose name has no version is built from the sources of the newest kernel of a
# stable Debian, "NAME-6.12" from those of stock-6.12.
readonly newest_suite=trixie-backports
fragments=$top/scripts/kernels

# Part of the hash in the name of a kernel's directory. Change this number when
# the way of building changes, so that kernels are built anew.
build_recipe=3

# --- Names ------------------------------------------------------------------

# Set suite, meta, release and version for a row of stock_kernels. The result is
# cached until the suite's package lists are updated.
resolve_row()
{
	local memo depends pattern='linux-headers-([^ ]+) \(= ([^)]+)\)'

	read -r _ suite meta <<<"$1"
	memo=$cache/suites/$suite/newest-$meta
	if ! suite_is_fresh "$cache/suites/$suite" || [[ ! -e $memo ]] ||
	   [[ $cache/suites/$suite/updated -nt $memo ]]; then
		depends=$(suite_field "$suite" "linux-headers-$meta" Depends)
		[[ $depends =~ $pattern ]] || return
		echo "${BASH_REMATCH[1]} ${BASH_REMATCH[2]}" >"$memo.$$"
		mv "$memo.$$" "$memo"
	fi
	read -r release version <"$memo"
}

# stock_names [PATTERN]: print "NAME ROW" for each of Debian's kernels whose
# name in the table matches. Only the package lists of their suites are needed.
stock_names()
{
	local pattern=${1:-*} row name suite meta release version series
	local -A seen=()

	for row in "${stock_kernels[@]}"; do
		name=${row%% *}
		# shellcheck disable=SC2053 # it is a pattern
		[[ $name == $pattern ]] || continue
		if [[ $name == *@* ]]; then
			resolve_row "$row" || continue
			[[ $release =~ ^[0-9]+\.[0-9]+ ]] || continue
			series=${BASH_REMATCH[0]}
			name=${name/@/$series}
			[[ -z ${seen[$name]:-} ]] || name+=-$suite
		fi
		seen[$name]=1
		echo "$name $row"
	done
}

# Print the newest kernel of a stable Debian, such as stock-7.3. The package lists
# tell which one that is.
newest_stock()
{
	local name

	name=$(stock_names 'stock*' | awk -v suite="$newest_suite" '$3 == suite && !n++ { print $1 }')
	[[ -n $name ]] || die "which kernel is the newest is not known: there are no package lists" \
		"of $newest_suite, which need the network once"
	echo "$name"
}

# stock_row NAME: print the row of one of Debian's kernels. Fail if none has NAME.
stock_row()
{
	local name=$1 row

	for row in "${stock_kernels[@]}"; do
		[[ ${row%% *} != "$name" ]] || { echo "$row"; return; }
	done
	# Only names of this form depend on package lists.
	[[ $name =~ ^(stock|arm64)- ]] || return
	row=$(stock_names "${name%%-*}-*" | awk -v name="$name" '$1 == name { $1 = ""; print; exit }')
	[[ -n $row ]] || return
	echo "${row# }"
}

is_stock()
{
	stock_row "$1" >/dev/null
}

built_names()
{
	local file

	for file in "$fragments"/*.config; do
		file=${file##*/}
		[[ $file != base.config ]] || continue
		printf '%s\n%s\n' "${file%.config}" "${file%.config}-6.12"
	done
}

kernel_names()
{
	stock_names | cut -d' ' -f1
	built_names
}

is_kernel_name()
{
	[[ -e $fragments/${1%-6.12}.config && $1 != base* ]] || is_stock "$1"
}

# --- Debian's kernels -------------------------------------------------------

# Set suite, meta, release, version, and dir, where the kernel is kept.
stock_resolve()
{
	local row

	# If the name is empty, newest_stock has failed, and has printed why.
	[[ -n $1 ]] || exit "${die_status:-1}"
	row=$(stock_row "$1") || die "no kernel $1 is known (see scripts/vm kernels)"
	resolve_row "$row" || die "$suite has no package linux-headers-$meta"
	dir=$cache/debian/${release}_$version
}

stock_image()
{
	local suite meta release version dir

	stock_resolve "$1"
	[[ -e $dir/vmlinuz ]] ||
		locked "$dir.lock" fetch_image "$suite" "$release" "$version" "$dir"
	echo "$dir/vmlinuz"
}

# Print the name of the package that has the image or the modules. Before 7.x
# the image package has both. Newer image packages depend on separate packages.
package_with()
{
	local suite=$1 release=$2 version=$3 what=$4

	if [[ $(suite_field "$suite" "linux-image-$release=$version" Depends) == \
	      *"linux-$what-$release "* ]]; then
		echo "linux-$what-$release"
	else
		echo "linux-image-$release"
	fi
}

fetch_image()
{
	local suite=$1 release=$2 version=$3 dir=$4 tmp package

	[[ ! -e $dir/vmlinuz ]] || return 0
	mkdir -p "$dir"
	tmp=$(mktemp -d "$dir/tmp.XXXXXX")
	package=$(package_with "$suite" "$release" "$version" binary)
	suite_fetch "$suite" "$tmp" "$package" "$version"
	# On riscv64 the image is not compressed, and has the name vmlinux.
	unpack_package "$tmp"/*.deb "$tmp" --wildcards './boot/vmlinu[xz]-*' \
		'./usr/lib/modules/*/vmlinu[xz]' 2>/dev/null || true
	mv "$(find "$tmp" -type f -name 'vmlinu[xz]*' | head -n 1)" "$dir/vmlinuz" ||
		die "there is no image in $package"
	rm -rf "$tmp"
}

# stock_unpacked NAME: print the file of the kernel without its compression, if
# the image for amd64 is compressed with xz. An emulated CPU takes three seconds
# to unpack such an image. If the compression is another one, or the kernel does
# not start without its decompressor (PVH), print nothing.
stock_unpacked()
{
	local suite meta release version dir

	[[ $(kernel_arch "$1") == amd64 ]] || return 0
	stock_image "$1" >/dev/null
	stock_resolve "$1"
	[[ -e $dir/vmlinux ]] || locked "$dir.lock" unpack_image "$dir"
	[[ ! -s $dir/vmlinux ]] || echo "$dir/vmlinux"
}

# Documentation/arch/x86/boot.rst of the kernel describes the header: the sectors
# of the setup code, and where the compressed kernel is behind that code.
unpack_image()
{
	local dir=$1 sectors offset length

	[[ ! -e $dir/vmlinux ]] || return 0
	read -r sectors < <(od -An -tu1 -j $((0x1f1)) -N 1 "$dir/vmlinuz")
	read -r offset length < <(od -An -tu4 -j $((0x248)) -N 8 "$dir/vmlinuz")
	tail -c +$(((sectors + 1) * 512 + offset + 1)) "$dir/vmlinuz" | head -c "$length" |
		xz -dcq --single-stream >"$dir/vmlinux.new" 2>/dev/null || true
	# The entry for PVH is a note of Xen's, 18.
	readelf -n "$dir/vmlinux.new" 2>/dev/null | grep -q 'Xen .*(0x00000012)' ||
		: >"$dir/vmlinux.new"
	mv "$dir/vmlinux.new" "$dir/vmlinux"
}

# Print the directory of the kernel's own modules, as in /lib/modules/RELEASE.
stock_modules()
{
	local suite meta release version dir

	stock_resolve "$1"
	[[ -e $dir/modules ]] ||
		locked "$dir.lock" fetch_modules "$suite" "$release" "$version" "$dir"
	echo "$dir/modules"
}

# stock_module_files NAME MODULE...: print the file of each module, after those
# of the modules that it needs. Print nothing for what is built into the kernel.
# Die if there is no such module.
stock_module_files()
{
	local suite meta release version dir kernel=$1 name modules found

	stock_resolve "$kernel"
	shift
	for name; do
		# Accept only plain names. An alias may come from the host's
		# configuration, and not exist in that kernel.
		[[ $name =~ ^[a-zA-Z0-9_-]+$ ]] || die "\"$name\" is no name of a module"
	done
	modules=$(stock_modules "$kernel")
	[[ -e $dir/depmod ]] || locked "$dir.lock" make_depmod "$release" "$dir" "$modules"
	for name; do
		found=$(modprobe -C /dev/null -d "$dir/depmod" -S "$release" --show-depends "$name" \
			2>/dev/null) || die "$release has no module $name"
		sed -n 's/^insmod \([^ ]*\).*/\1/p' <<<"$found"
	done | awk '!seen[$0]++'
}

# Make the lists of depmod, which Debian makes when a kernel's package is
# installed.
make_depmod()
{
	local release=$1 dir=$2 modules=$3 tmp file

	[[ ! -e $dir/depmod ]] || return 0
	tmp=$(mktemp -d "$dir/tmp.XXXXXX")
	mkdir -p "$tmp/lib/modules/$release"
	# From 7.x on, the packages that are fetched lack these files.
	for file in "$modules"/modules.{order,builtin,builtin.modinfo}; do
		[[ ! -e $file ]] || cp "$file" "$tmp/lib/modules/$release"
	done
	ln -s "$modules/kernel" "$tmp/lib/modules/$release/kernel"
	depmod -b "$tmp" "$release" 2>"$dir/log" || { cat "$dir/log" >&2; die "depmod failed"; }
	mv "$tmp" "$dir/depmod"
}

fetch_modules()
{
	local suite=$1 release=$2 version=$3 dir=$4 tmp package

	[[ ! -e $dir/modules ]] || return 0
	mkdir -p "$dir"
	tmp=$(mktemp -d "$dir/tmp.XXXXXX")
	package=$(package_with "$suite" "$release" "$version" modules)
	suite_fetch "$suite" "$tmp" "$package" "$version"
	unpack_package "$tmp"/*.deb "$tmp" --wildcards '*/lib/modules/*'
	mv "$tmp"/*lib/modules/"$release" "$dir/modules" 2>/dev/null ||
		mv "$tmp/usr/lib/modules/$release" "$dir/modules"
	rm -rf "$tmp"
}

stock_kdir()
{
	local suite meta release version dir

	stock_resolve "$1"
	[[ -e $dir/headers ]] ||
		locked "$dir.lock" fetch_headers "$suite" "$release" "$version" "$dir"
	echo "$dir/headers/usr/src/linux-headers-$release"
}

fetch_headers()
{
	local suite=$1 release=$2 version=$3 dir=$4 tmp file
	local -a kernel_debs=() tool_debs=()

	[[ ! -e $dir/headers ]] || return 0
	mkdir -p "$dir"
	tmp=$(mktemp -d "$dir/tmp.XXXXXX")
	fetch_build_packages "$suite" "$tmp" "$release" "$version"
	for file in "$tmp"/*.deb; do
		case ${file##*/} in
		linux-*) kernel_debs+=("$file") ;;
		*) tool_debs+=("$file") ;;
		esac
	done
	make_toolchain "$dir" "${tool_debs[@]}"
	mkdir "$tmp/headers"
	for file in "${kernel_debs[@]}"; do
		unpack_package "$file" "$tmp/headers"
	done
	adapt_headers "$tmp/headers" "$release" "$dir" "$(suite_arch "$suite")"
	mv "$tmp/headers" "$dir/headers"
	rm -rf "$tmp"
}

# adapt_headers HEADERS RELEASE DIR [ARCH]: make unpacked headers usable in
# DIR/headers.
adapt_headers()
{
	local headers=$1 release=$2 dir=$3 prefix kdir compiler

	kdir=$headers/usr/src/linux-headers-$release
	# Without vmlinux, no type information is made for modules. That would
	# need pahole.
	rm -f "$kdir/vmlinux"
	# Change the absolute paths in the makefile, which lead to the common
	# headers and to the output.
	sed -i "s|/usr/src/linux-headers-|$dir/headers&|" "$kdir/Makefile"
	# CONFIG_CC_VERSION_TEXT is "gcc-12 (Debian ...)", or begins with the
	# triplet.
	prefix=${arch_triplet[${4:-amd64}]}-
	compiler=$(sed -n 's/^CONFIG_CC_VERSION_TEXT="\([^ ]*\) .*/\1/p' "$kdir/.config")
	[[ -z ${4:-} ]] || compiler=$prefix${compiler#"$prefix"}
	cat >>"$kdir/.kernelvariables" <<-END
		override CROSS_COMPILE = $dir/toolchain/usr/bin/$prefix
		CC = $dir/toolchain/usr/bin/$compiler
		PAHOLE = $dir/toolchain/usr/bin/pahole
	END
	relocate "$(readlink -f "$dir/toolchain")" "$headers/usr/lib"
}

# Modules are built with the compiler that built the kernel, whatever the host
# has. The options in the headers are for that compiler, and users of that
# kernel get the code that it makes of gomem. The suite's packages are unpacked,
# and their programs are changed to find their loader and libraries there. A
# chroot would need root. Building the kernel's build tools anew would take
# minutes and the sources, and the compiler would still be another one.

# make_toolchain DIR PACKAGE_FILE...: make DIR/toolchain a link to a toolchain
# that all kernels with the same packages share.
make_toolchain()
{
	local dir=$1 toolchain

	shift
	toolchain=$cache/toolchain/$(printf '%s\n' "${@##*/}" | sort | sha256sum | head -c 12)
	[[ -e $toolchain ]] ||
		locked "$toolchain.lock" unpack_toolchain "$toolchain" "$@"
	ln -sfn "$toolchain" "$dir/toolchain"
}

unpack_toolchain()
{
	local toolchain=$1 tmp=$1.new file prog triplet

	shift
	[[ ! -e $toolchain ]] || return 0
	rm -rf "$tmp"
	mkdir -p "$tmp"/usr/{bin,sbin,lib,lib64}
	# Some packages have files in /bin and /lib, others in /usr. Unpack both
	# kinds to /usr.
	for file in bin sbin lib lib64; do
		ln -s "usr/$file" "$tmp/$file"
	done
	for file in "$@"; do
		case ${file##*/} in
		lib*san[0-9]* | libitm1* | libcc1* | debconf*) continue ;;
		esac
		unpack_package "$file" "$tmp" --exclude='./usr/share/*' --exclude='*/lto1' \
			--exclude='*/gconv/*'
	done
	# Make links to "as" and "ld" beside the compiler's own parts, where it
	# looks before it searches $PATH. Also make a link to the compiler
	# without the version in its name, for CROSS_COMPILE.
	for file in "$tmp"/usr/lib*/gcc*/*-linux-gnu/*/cc1; do
		prog=${file%/cc1}
		triplet=${prog%/*}
		triplet=${triplet##*/}
		ln -sf "$triplet-gcc-${prog##*/}" "$tmp/usr/bin/$triplet-gcc"
		for prog in as ld; do
			ln -sf "../../../../bin/$triplet-$prog" "${file%/*}/$prog"
		done
	done
	relocate "$toolchain" "$tmp/usr" "$tmp"
	mv "$tmp" "$toolchain"
}

# Set patchelf. All hosts use bookworm's version: with trixie's, 0.18, compilers
# crash.
need_patchelf()
{
	local version

	version=$(suite_field bookworm patchelf Version)
	patchelf=$cache/toolchain/patchelf-$version/usr/bin/patchelf
	[[ -e $patchelf ]] || locked "$cache/toolchain/patchelf.lock" \
		fetch_patchelf "$version" "${patchelf%/usr/bin/patchelf}"
}

fetch_patchelf()
{
	local version=$1 dir=$2

	[[ ! -e $dir ]] || return 0
	rm -rf "$dir.new"
	mkdir -p "$dir.new"
	suite_fetch bookworm "$dir.new" patchelf "$version"
	unpack_package "$dir.new"/patchelf_*.deb "$dir.new"
	mv "$dir.new" "$dir"
}

# relocate TOOLCHAIN DIR [PLACE]: let all programs below DIR run with the
# libraries in TOOLCHAIN. At the moment these libraries are in PLACE, if that is
# given.
relocate()
{
	local toolchain=$1 dir=$2 place=${3:-$1} loader lib file patchelf

	need_patchelf
	loader=$(cd "$place" && find usr -name 'ld-linux-x86-64.so.2' ! -type d | sort | head -n 1)
	[[ -n $loader ]] || die "there is no dynamic loader in $place"
	loader=$toolchain/$loader
	lib=$toolchain/usr/lib/x86_64-linux-gnu
	while IFS= read -r file; do
		# Static programs need no change.
		{ "$patchelf" --print-interpreter "$file" &&
		  "$patchelf" --print-needed "$file"; } >/dev/null 2>&1 || continue
		"$patchelf" --set-interpreter "$loader" --force-rpath --set-rpath "$lib" "$file"
	done < <(find "$dir" -type f -perm /111 ! -name '*.so*' \
			-exec grep -lqsaP '^\x7fELF' {} \; -print)
}

stock_state()
{
	local suite meta release version dir row

	row=$(stock_row "$1")
	if ! resolve_row "$row"; then
		echo "unknown to $suite|-"
		return
	fi
	dir=$cache/debian/${release}_$version
	if [[ -e $dir/vmlinuz && -e $dir/headers ]]; then
		echo "ready|$release ($version)"
	else
		echo "can be fetched|$release ($version)"
	fi
}

# --- Kernels built here -----------------------------------------------------

# Print the fragment of NAME, which "NAME-6.12" uses, too.
fragment_of()
{
	echo "$fragments/${1%-6.12}.config"
}

# A fragment with the line "# arch: um" is for a User-Mode-Linux kernel. It does
# not use base.config, which is for machines.
is_uml()
{
	grep -qsx '# arch: um' "$(fragment_of "$1")"
}

# User-Mode Linux supports more than one CPU since 7.0.
is_smp_uml()
{
	is_uml "$1" && [[ $1 != *-6.12 ]] && grep -q '^CONFIG_SMP=y' "$(fragment_of "$1")"
}

# Print the files that configure a kernel; later ones override earlier ones.
kernel_fragments()
{
	is_uml "$1" || echo "$fragments/base.config"
	fragment_of "$1"
}

# Print the name of Debian's kernel whose sources and compiler are used.
base_of()
{
	case $1 in
	*-6.12) echo stock-6.12 ;;
	*) newest_stock ;;
	esac
}

# source_archive NAME: print the archive with the sources of a kernel, of Debian
# or built here.
source_archive()
{
	local name=$1 suite meta release version dir series archive

	is_stock "$name" || name=$(base_of "$name")
	stock_resolve "$name"
	[[ $release =~ ^[0-9]+\.[0-9]+ ]]
	series=${BASH_REMATCH[0]}
	archive=$cache/source/linux-source-${series}_$version.tar.xz
	[[ -e $archive ]] ||
		locked "$archive.lock" fetch_source "$suite" "linux-source-$series" "$version" "$archive"
	echo "$archive"
}

fetch_source()
{
	local suite=$1 package=$2 version=$3 archive=$4 tmp

	[[ ! -e $archive ]] || return 0
	tmp=$(mktemp -d "$cache/source/tmp.XXXXXX")
	suite_fetch "$suite" "$tmp" "$package" "$version"
	dpkg-deb --fsys-tarfile "$tmp"/*.deb |
		tar -x -O --wildcards '*.tar.xz' >"$tmp/archive"
	mv "$tmp/archive" "$archive"
	rm -rf "$tmp"
}

built_dir()
{
	local name=$1 suite meta release version dir hash

	stock_resolve "$(base_of "$name")"
	# shellcheck disable=SC2046 # no blanks in there
	hash=$({ echo "$build_recipe $version"
		 cat $(kernel_fragments "$name"); } | sha256sum)
	echo "$cache/kernels/$name-${hash:0:12}"
}

# build_kernel NAME [--force]: build a kernel, unless it is built already.
build_kernel()
{
	local name=$1 force=${2:-} dir

	dir=$(built_dir "$name")
	[[ -z $force && -e $dir/ready ]] || locked "$dir.lock" build_locked "$name" "$dir" "$force"
}

build_locked()
{
	local name=$1 dir=$2 force=$3 start=$SECONDS archive

	# Another process may have built it in the meantime.
	[[ -n $force || ! -e $dir/ready ]] || return 0
	require debug-kernel make flex bison bc xz
	archive=$(source_archive "$name")
	say "building kernel $name from ${archive##*/} in $dir"
	rm -rf "$dir"
	mkdir -p "$dir/build" "$dir/src"
	say "unpacking ${archive##*/}"
	tar -x -C "$dir/src" --strip-components=1 --no-same-owner -f "$archive"
	choose_tools "$name"
	configure_kernel "$name" "$dir"
	compile_kernel "$name" "$dir"
	keep_what_modules_need "$dir"
	keep_tools "$dir"
	touch "$dir/ready"
	say "kernel $name is ready after $((SECONDS - start)) s"
}

# A fragment with the line "# llvm: VERSION" is for a kernel that is built with
# the host's clang, linker and tools of that version. Print the version.
llvm_of()
{
	sed -n 's/^# llvm: //p' "$(fragment_of "$1")" 2>/dev/null || true
}

# Set make_args and image_file. User-Mode Linux is a program of the host, linked
# with the host's libraries, so the host's compiler builds it.
choose_tools()
{
	local name=$1 kdir llvm

	if is_uml "$name"; then
		make_args=(ARCH=um)
		image_file=linux
		return
	fi
	image_file=arch/x86/boot/bzImage
	make_args=(ARCH=x86)
	llvm=$(llvm_of "$name")
	if [[ -n $llvm ]]; then
		have "clang-$llvm" || die "clang-$llvm is missing; run: scripts/setup llvm"
		make_args+=("LLVM=-$llvm")
		return
	fi
	kdir=$(stock_kdir "$(base_of "$name")")
	make_args+=("$(sed -n 's/^override CROSS_COMPILE = \//CROSS_COMPILE=\//p' \
			"$kdir/.kernelvariables")")
}

# Make module builds use the tools that built the kernel.
keep_tools()
{
	local dir=$1 arg

	for arg in "${make_args[@]}"; do
		echo "export ${arg/=/ := }"
	done | cat - "$dir/build/Makefile" >"$dir/build/Makefile.new"
	mv "$dir/build/Makefile.new" "$dir/build/Makefile"
}

# Options that no fragment sets are off. A line that ends in "# if VERSION..."
# applies only to sources of these versions.
configure_kernel()
{
	local name=$1 dir=$2 missing

	# shellcheck disable=SC2046 # no blanks in there
	{ lines_for "$(kernel_series "$dir")" $(kernel_fragments "$name") |
		awk -F= '/^CONFIG_/ { line[$1] = $0 } END { for (i in line) print line[i] }' | sort
	  echo "CONFIG_LOCALVERSION=\"-gomem-$name\""; } >"$dir/wanted"
	make -s -C "$dir/src" "${make_args[@]}" O="$dir/build" KCONFIG_ALLCONFIG="$dir/wanted" \
		allnoconfig >"$dir/log" 2>&1 || build_failed "$dir"
	# For an option that is off, .config has no line that ends in "=n".
	missing=$(grep -v '=n$' "$dir/wanted" | grep -vxF -f "$dir/build/.config" || true)
	[[ -z $missing ]] || die "kernel $name cannot be configured with:"$'\n'"$missing"
}

kernel_series()
{
	sed -n 's/^VERSION = //p; s/^PATCHLEVEL = //p' "$1/src/Makefile" | paste -sd.
}

lines_for()
{
	local series=$1

	shift
	cat "$@" | awk -v series="$series" '
		match($0, / +# if .*/) {
			split(substr($0, RSTART), words)
			wanted = 0
			for (i in words)
				wanted = wanted || words[i] == series
			if (!wanted)
				next
			$0 = substr($0, 1, RSTART - 1)
		}
		{ print }'
}

compile_kernel()
{
	local name=$1 dir=$2 pid

	make -C "$dir/build" "${make_args[@]}" -j"$(nproc)" "${image_file##*/}" \
		modules_prepare >"$dir/log" 2>&1 &
	pid=$!
	# shellcheck disable=SC2064 # the pid of now
	trap "kill $pid 2>/dev/null" EXIT
	show_progress $pid 15 compile_progress "$name" "$dir/log"
	trap - EXIT
	wait $pid || build_failed "$dir"
	grep -cE "$compile_step" "$dir/log" >"$cache/kernels/$name.files"
}

readonly compile_step='^  (CC|AS|LD|AR|HOSTCC) '

# The number of files is known from the last build, or from the fragment.
compile_progress()
{
	local name=$1 log=$2 total

	total=$(cat "$cache/kernels/$name.files" 2>/dev/null ||
		sed -n 's/^# files: //p' "$(fragment_of "$name")")
	echo "kernel $name: $(grep -cE "$compile_step" "$log") of about ${total:-?} files," \
	     "${SECONDS} s"
}

build_failed()
{
	tail -n 30 "$1/log" >&2
	die "the kernel build failed; log: $1/log"
}

# External modules need 5 % of 1.7 GB of sources and 300 MB of results. Delete
# the rest.
keep_what_modules_need()
{
	local dir=$1

	cp "$dir/build/$image_file" "$dir/${image_file##*/}"
	cp "$dir/build/vmlinux.symvers" "$dir/build/Module.symvers"
	find "$dir/src" -mindepth 1 -maxdepth 1 \
		! -name Makefile ! -name Kbuild ! -name Kconfig ! -name arch ! -name include \
		! -name scripts ! -name tools -exec rm -rf {} +
	find "$dir/src/arch" -mindepth 1 -maxdepth 1 ! -name x86 ! -name um ! -name 'Kconfig*' \
		-exec rm -rf {} +
	find "$dir/src/tools" -mindepth 1 -maxdepth 1 ! -name include ! -name objtool \
		! -name build ! -name scripts -exec rm -rf {} +
	find "$dir/build" -type f \
		\( -name '*.o' -o -name '*.a' -o -name '*.cmd' -o -name 'vmlinux*' \
		   -o -name 'bzImage' -o -name linux -o -name '.tmp_*' \) ! -name 'vmlinux.lds' -delete
}

built_state()
{
	local name=$1 base dir suite meta release version

	base=$(base_of "$name" 2>/dev/null) || { echo "unknown|no package lists"; return; }
	stock_resolve "$base"
	dir=$(built_dir "$name")
	if [[ -e $dir/ready ]]; then
		echo "ready|$(<"$dir/build/include/config/kernel.release") ($version)"
	else
		echo "must be built|($version)"
	fi
}

# --- Parts of the sources ---------------------------------------------------

# Set archive to the sources of $kernel, and sources to the directory for the
# files taken out of it.
find_archive()
{
	archive=$(source_archive "$kernel")
	sources=${archive%.tar.xz}
	mkdir -p "$sources"
}

# members_of PATH: print the archive members to unpack. For a file, these are all
# sources beside it, and the headers in the directory above: it may include them.
members_of()
{
	local dir=${1%/*.c}

	if [[ $1 == *.c ]]; then
		echo "*/$dir/*.[ch]"
	else
		echo "*/$dir"
	fi
	echo "*/$(dirname "$dir")/*.h"
}

# unpack_missing PATH...: unpack the paths that are missing. This takes 15 s,
# however few they are. Errors of tar are ignored, since there may be no headers
# above. Missing files are noticed later.
unpack_missing()
{
	local path
	local -a members=() marks=()

	for path; do
		[[ ! -e $sources/$path || ! -e $sources/.${path//\//_} ]] || continue
		mapfile -t -O "${#members[@]}" members < <(members_of "$path")
		marks+=("$sources/.${path//\//_}")
	done
	((${#members[@]})) || return 0
	require build xz
	say "unpacking from $archive"
	tar -x -C "$sources" --strip-components=1 --no-same-owner -f "$archive" \
		--anchored --wildcards --no-wildcards-match-slash "${members[@]}" 2>/dev/null || true
	touch "${marks[@]}"
}

# --- All kernels ------------------------------------------------------------

# Each function prints one path, after making sure that it exists.

kernel_image()
{
	local dir

	if is_stock "$1"; then
		stock_image "$1"
		return
	fi
	build_kernel "$1"
	dir=$(built_dir "$1")
	if is_uml "$1"; then
		echo "$dir/linux"
	else
		echo "$dir/bzImage"
	fi
}

kernel_kdir()
{
	local dir

	if is_stock "$1"; then
		stock_kdir "$1"
		return
	fi
	build_kernel "$1"
	dir=$(built_dir "$1")
	echo "$dir/build"
}

kernel_ready()
{
	[[ $(kernel_state "$1") == ready* ]]
}

# kernel_state NAME: print the state and the version of a kernel, as
# STATE|VERSION.
kernel_state()
{
	if is_stock "$1"; then
		stock_state "$1"
	else
		built_state "$1"
	fi
}

list_kernels()
{
	local name state

	printf '%-19s %-16s %s\n' NAME STATE VERSION
	for name in $(kernel_names); do
		state=$(kernel_state "$name")
		printf '%-19s %-16s %s\n' "$name" "${state%|*}" "${state#*|}"
	done
}
