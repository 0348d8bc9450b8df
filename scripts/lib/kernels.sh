# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The kernels that scripts/vm knows by name: where their images and the build
# directories for their modules are, and how they get there.

# shellcheck source=scripts/lib/common.sh
. "${BASH_SOURCE[0]%/*}/common.sh"

# Layout of the cache:
#
#   stock/RELEASE_VERSION/vmlinuz   image out of a Debian package
#   stock/RELEASE_VERSION/headers/  headers out of Debian packages
#   kernels/NAME-HASH/bzImage       image built here; "linux" if it is User-Mode Linux
#   kernels/NAME-HASH/build/        build directory for modules
#   kernels/NAME-HASH/ready         there when the two above are complete

# Debian's kernels: NAME, and what follows "linux-image-" and "linux-headers-"
# in the names of the meta packages that depend on the newest release.
stock_kernels=(
	"stock amd64"
	"stock-6.12 6.12-amd64"
	"stock-rt rt-amd64"
	"stock-6.12-rt 6.12-rt-amd64"
)

# Kernels built here are made from this package and the files in fragments.
source_package=linux-source-6.12
fragments=$top/scripts/kernels

# Part of the hash; to be changed when the way of building changes.
build_recipe=1

kernel_names()
{
	local entry file

	for entry in "${stock_kernels[@]}"; do
		echo "${entry%% *}"
	done
	for file in "$fragments"/*.config; do
		file=${file##*/}
		[[ $file == base.config ]] || echo "${file%.config}"
	done
}

is_kernel_name()
{
	local name

	for name in $(kernel_names); do
		[[ $name != "$1" ]] || return 0
	done
	return 1
}

# --- Debian's kernels -------------------------------------------------------

stock_suffix()
{
	local entry

	for entry in "${stock_kernels[@]}"; do
		if [[ ${entry%% *} == "$1" ]]; then
			echo "${entry##* }"
			return
		fi
	done
	return 1
}

# Fetched packages go where the user can write; no package is installed, since
# that of an image would change how the host boots, and the headers of 6.12
# depend on the image.
fetch_package()
{
	local package=$1 version=$2 dir=$3
	local -a download=(apt-get -qq -o APT::Sandbox::User=root download "$package=$version")

	say "fetching $package $version"
	(cd "$dir" && "${download[@]}" 2>"$dir/log") && return
	if ((EUID == 0)); then
		apt-get -qq update >&2 || true
		(cd "$dir" && "${download[@]}" 2>"$dir/log") && return
	fi
	cat "$dir/log" >&2
	die "$package $version cannot be fetched." \
	    "If the archive has a newer one, update the package lists and linux-headers-amd64."
}

# Sets release and version.  The headers decide, when they are installed.
stock_resolve()
{
	local meta memo=$cache/stock/$1.newest depends pattern

	meta=linux-headers-$(stock_suffix "$1")
	pattern='linux-headers-([^ ]+) \(= ([^)]+)\)'
	if installed "$meta"; then
		# shellcheck disable=SC2016
		depends=$(dpkg-query -W -f '${Depends}' "$meta")
	elif [[ $memo -nt /var/lib/apt/lists ]]; then
		depends=$(<"$memo")
	else
		depends=$(apt-cache show --no-all-versions "$meta" 2>/dev/null | sed -n 's/^Depends: //p')
		mkdir -p "${memo%/*}"
		echo "$depends" >"$memo"
	fi
	[[ $depends =~ $pattern ]] || return
	release=${BASH_REMATCH[1]}
	version=${BASH_REMATCH[2]}
}

stock_need()
{
	stock_resolve "$1" && return
	if ((EUID == 0)); then
		say "updating the package lists"
		apt-get -qq update >&2 || true
		rm -f "$cache/stock/$1.newest"
		stock_resolve "$1" && return
	fi
	die "no package linux-headers-$(stock_suffix "$1") is known; run: sudo apt-get update"
}

stock_image()
{
	local release version dir

	stock_need "$1"
	dir=$cache/stock/${release}_$version
	if installed "linux-image-$release" "$version" && [[ -r /boot/vmlinuz-$release ]]; then
		echo "/boot/vmlinuz-$release"
		return
	fi
	[[ -e $dir/vmlinuz ]] || locked "$dir.lock" fetch_image "$release" "$version" "$dir"
	echo "$dir/vmlinuz"
}

fetch_image()
{
	local release=$1 version=$2 dir=$3 tmp

	[[ ! -e $dir/vmlinuz ]] || return 0
	mkdir -p "$dir"
	tmp=$(mktemp -d "$dir/tmp.XXXXXX")
	fetch_package "linux-image-$release" "$version" "$tmp"
	dpkg-deb --fsys-tarfile "$tmp"/*.deb |
		tar -x -C "$tmp" --no-same-owner "./boot/vmlinuz-$release"
	mv "$tmp/boot/vmlinuz-$release" "$dir/vmlinuz"
	rm -rf "$tmp"
}

stock_kdir()
{
	local release version dir

	stock_need "$1"
	if installed "linux-headers-$release" "$version"; then
		echo "/usr/src/linux-headers-$release"
		return
	fi
	dir=$cache/stock/${release}_$version
	[[ -e $dir/headers ]] || locked "$dir.lock" fetch_headers "$release" "$version" "$dir"
	echo "$dir/headers/usr/src/linux-headers-$release"
}

fetch_headers()
{
	local release=$1 version=$2 dir=$3 tmp package others

	[[ ! -e $dir/headers ]] || return 0
	mkdir -p "$dir"
	tmp=$(mktemp -d "$dir/tmp.XXXXXX")
	fetch_package "linux-headers-$release" "$version" "$tmp"
	others=$(dpkg-deb -f "$tmp"/*.deb Depends |
		 grep -oE 'linux-(headers-[^ ,]+-common[^ ,]*|kbuild-[^ ,]+)')
	for package in $others; do
		fetch_package "$package" "$version" "$tmp"
	done
	for package in "$tmp"/*.deb; do
		dpkg-deb -x "$package" "$tmp/headers"
	done
	# Type information for modules, made from this, would take pahole.
	rm -f "$tmp/headers/usr/src/linux-headers-$release/vmlinux"
	# The only absolute path: the makefile includes the common one.
	sed -i "s|^include /usr|include $dir/headers/usr|" \
		"$tmp/headers/usr/src/linux-headers-$release/Makefile"
	mv "$tmp/headers" "$dir/headers"
	rm -rf "$tmp"
}

stock_state()
{
	local release version dir

	if ! stock_resolve "$1"; then
		echo "unknown to the package lists|-"
		return
	fi
	dir=$cache/stock/${release}_$version
	if { installed "linux-image-$release" "$version" || [[ -e $dir/vmlinuz ]]; } &&
	   { installed "linux-headers-$release" "$version" || [[ -e $dir/headers ]]; }; then
		echo "ready|$release ($version)"
	else
		echo "can be fetched|$release ($version)"
	fi
}

# --- Kernels built here -----------------------------------------------------

source_version()
{
	# shellcheck disable=SC2016
	dpkg-query -W -f '${Version}' "$source_package" 2>/dev/null
}

# A fragment with the line "# arch: um" is a User-Mode-Linux kernel's, which has nothing
# in common with the others: base.config is for machines.
is_uml()
{
	grep -qsx '# arch: um' "$fragments/$1.config"
}

# Prints the files that a kernel is configured by; later ones override earlier ones.
kernel_fragments()
{
	is_uml "$1" || echo "$fragments/base.config"
	echo "$fragments/$1.config"
}

built_dir()
{
	local name=$1 version hash

	version=$(source_version) ||
		die "$source_package is not installed; run: scripts/setup debug-kernel"
	# shellcheck disable=SC2046 # no blanks in there
	hash=$({ echo "$build_recipe $version"
		 cat $(kernel_fragments "$name"); } | sha256sum)
	echo "$cache/kernels/$name-${hash:0:12}"
}

# build_kernel NAME [--force]
build_kernel()
{
	local name=$1 force=${2:-} dir

	dir=$(built_dir "$name")
	[[ -z $force && -e $dir/ready ]] || locked "$dir.lock" build_locked "$name" "$dir" "$force"
}

build_locked()
{
	local name=$1 dir=$2 force=$3 start=$SECONDS

	# Another process may have built it while this one waited.
	[[ -n $force || ! -e $dir/ready ]] || return 0
	say "building kernel $name from $source_package in $dir"
	rm -rf "$dir"
	mkdir -p "$dir/build"
	unpack_source "$dir"
	make_args=(ARCH=x86)
	image_file=arch/x86/boot/bzImage
	if is_uml "$name"; then
		make_args=(ARCH=um)
		image_file=linux
	fi
	configure_kernel "$name" "$dir"
	compile_kernel "$dir"
	keep_what_modules_need "$dir"
	! is_uml "$name" || sed -i '1i export ARCH := um' "$dir/build/Makefile"
	touch "$dir/ready"
	say "kernel $name is ready after $((SECONDS - start)) s"
}

unpack_source()
{
	local dir=$1

	say "unpacking /usr/src/$source_package.tar.xz"
	mkdir "$dir/src"
	tar -x -C "$dir/src" --strip-components=1 --no-same-owner \
		-f "/usr/src/$source_package.tar.xz"
}

# What no fragment asks for is off.
configure_kernel()
{
	local name=$1 dir=$2 missing

	# shellcheck disable=SC2046 # no blanks in there
	{ awk -F= '/^CONFIG_/ { line[$1] = $0 } END { for (i in line) print line[i] }' \
		$(kernel_fragments "$name") | sort
	  echo "CONFIG_LOCALVERSION=\"-gomem-$name\""; } >"$dir/wanted"
	make -s -C "$dir/src" "${make_args[@]}" O="$dir/build" KCONFIG_ALLCONFIG="$dir/wanted" \
		allnoconfig >"$dir/log" 2>&1 || build_failed "$dir"
	# An option with "=n" that is off has no such line in the result.
	missing=$(grep -v '=n$' "$dir/wanted" | grep -vxF -f "$dir/build/.config" || true)
	[[ -z $missing ]] || die "kernel $name cannot be configured with:"$'\n'"$missing"
}

compile_kernel()
{
	local dir=$1 pid

	make -C "$dir/build" "${make_args[@]}" -j"$(nproc)" "${image_file##*/}" \
		modules_prepare >"$dir/log" 2>&1 &
	pid=$!
	# shellcheck disable=SC2064 # the pid of now
	trap "kill $pid 2>/dev/null" EXIT
	show_progress $pid 15 compile_progress "$dir/log"
	trap - EXIT
	wait $pid || build_failed "$dir"
}

compile_progress()
{
	echo "$(grep -c '^  CC ' "$1") files compiled, ${SECONDS} s"
}

build_failed()
{
	tail -n 30 "$1/log" >&2
	die "the kernel build failed; log: $1/log"
}

# Of 1.7 GB of sources and 300 MB of results external modules need 5 %.
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
	local name=$1 dir version

	if ! version=$(source_version); then
		echo "must be built (needs scripts/setup debug-kernel)|-"
		return
	fi
	dir=$(built_dir "$name")
	if [[ -e $dir/ready ]]; then
		echo "ready|$(<"$dir/build/include/config/kernel.release") ($version)"
	else
		echo "must be built|($version)"
	fi
}

# --- Both -------------------------------------------------------------------

# Each prints one path, after making sure that it is there.

kernel_image()
{
	local dir

	if stock_suffix "$1" >/dev/null; then
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

	if stock_suffix "$1" >/dev/null; then
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

# Prints STATE|VERSION.
kernel_state()
{
	if stock_suffix "$1" >/dev/null; then
		stock_state "$1"
	else
		built_state "$1"
	fi
}

list_kernels()
{
	local name state

	printf '%-14s %-16s %s\n' NAME STATE VERSION
	for name in $(kernel_names); do
		state=$(kernel_state "$name")
		printf '%-14s %-16s %s\n' "$name" "${state%|*}" "${state#*|}"
	done
}
