# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Fetch packages of Debian's suites, whichever suite the host runs.
#
# Each suite has its own apt configuration in the cache: sources, package lists
# and an empty list of installed packages. Nothing here reads or changes what is
# installed on the host, and nothing needs root.

# shellcheck source=scripts/lib/common.sh
. "${BASH_SOURCE[0]%/*}/common.sh"

# Layout of the cache:
#
#   suites/SUITE/apt.conf       configuration, for $APT_CONFIG
#   suites/SUITE/lists/         package lists
#   suites/SUITE/updated        modified at the last update

check_path "$cache" "the cache cannot be in \"$cache\", which GOMEM_CACHE, XDG_CACHE_HOME or HOME names"

# Each suite, and the suites that its packages may depend on.
declare -rA suite_parts=(
	[bookworm]="bookworm bookworm-updates bookworm-security"
	[trixie]="trixie trixie-updates trixie-security"
	[trixie-backports]="trixie trixie-updates trixie-security trixie-backports"
	[sid]="sid"
	# Only point releases. Between them, packages of riscv64 come out days
	# after those of amd64, but both must have the same version.
	[trixie-riscv64]="trixie"
)

# A suite SUITE-ARCH, such as bookworm-arm64, has the packages of another
# architecture. It also has the packages of the host's architecture, with the
# programs that build for the other one.
readonly suite_foreign="arm64 riscv64"

# Lists older than this are updated before they are used.
readonly suite_stale_days=1

# suite_arch SUITE: print the other architecture that a suite has, or nothing.
suite_arch()
{
	local arch

	for arch in $suite_foreign; do
		[[ $1 != *-"$arch" ]] || echo "$arch"
	done
}

# archive_of SUITE: print the address of the suite's archive: $GOMEM_MIRROR, or
# the one that the host's apt uses.
archive_of()
{
	local mirror=${GOMEM_MIRROR:-} security=

	if [[ -z $mirror ]]; then
		mirror=$(host_archive debian)
		security=$(host_archive debian-security)
	fi
	[[ -n $mirror ]] ||
		die "apt knows no archive of Debian: set GOMEM_MIRROR=http://HOST/debian"
	case $1 in
	*-security) echo "${security:-${mirror%/}-security}" ;;
	*) echo "$mirror" ;;
	esac
}

# host_archive NAME: print the first of apt's sources whose path ends in NAME.
host_archive()
{
	# apt-get expands $(...), not the shell.
	# shellcheck disable=SC2016
	apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | grep -m 1 -E "/$1/?\$" || true
}

suite_keyring()
{
	local file

	for file in /usr/share/keyrings/debian-archive-keyring.{pgp,gpg}; do
		[[ ! -e $file ]] || { echo "$file"; return; }
	done
	die "the keys of Debian's archive are missing: install debian-archive-keyring"
}

suite_configure()
{
	local suite=$1 dir=$2 part parts uri keyring arch archs=amd64

	{ have apt-get && have dpkg-deb; } ||
		die "test kernels are Debian's: apt-get and dpkg-deb are needed to fetch them"
	keyring=$(suite_keyring)
	arch=$(suite_arch "$suite")
	parts=${suite_parts[$suite]:-${suite_parts[${suite%-"$arch"}]}}
	if [[ -n $arch ]]; then
		archs+=,$arch
		suite=${suite%-"$arch"}
	fi
	mkdir -p "$dir"/{lists/partial,archives/partial}
	: >"$dir/status"
	for part in $parts; do
		uri=$(archive_of "$part")
		echo "deb [arch=$archs signed-by=$keyring] $uri $part main"
	done >"$dir/sources.list"
	cat >"$dir/apt.conf" <<-END
		APT::Architecture "amd64";
		APT::Architectures { "${archs//,/\"; \"}"; };
		APT::Install-Recommends "false";
		APT::Sandbox::User "$(id -un)";
		Acquire::Languages "none";
		Acquire::Retries "3";
		Debug::NoLocking "true";
		Dir::Cache "$dir";
		Dir::Etc::preferences "/dev/null";
		Dir::Etc::preferencesparts "/dev/null";
		Dir::Etc::sourcelist "$dir/sources.list";
		Dir::Etc::sourceparts "/dev/null";
		Dir::State "$dir";
		Dir::State::lists "$dir/lists";
		Dir::State::status "$dir/status";
	END
	# Take packages of backports only if they are asked for.
	[[ $suite != *-backports ]] ||
		echo "APT::Default-Release \"$suite\";" >>"$dir/apt.conf"
}

# suite_update_locked SUITE DIR [--force]: update the package lists if they are
# old. The caller holds the lock of DIR.
suite_update_locked()
{
	local suite=$1 dir=$2 force=${3:-}

	[[ -n $force ]] || ! suite_is_fresh "$dir" || return 0
	suite_configure "$suite" "$dir"
	say "updating the package lists of $suite"
	if APT_CONFIG=$dir/apt.conf apt-get -qq update >"$dir/log" 2>&1; then
		touch "$dir/updated"
		return
	fi
	cat "$dir/log" >&2
	[[ -e $dir/updated ]] || die "there are no package lists of $suite"
	say "going on with older package lists of $suite"
	touch "$dir/updated"
}

suite_is_fresh()
{
	[[ -n $(find "$1/updated" -mtime "-$suite_stale_days" 2>/dev/null) ]]
}

# suite_apt SUITE COMMAND...: run an apt command with the suite's configuration.
suite_apt()
{
	local suite=$1 dir=$cache/suites/$1

	shift
	suite_is_fresh "$dir" ||
		locked "$dir.lock" suite_update_locked "$suite" "$dir"
	APT_CONFIG=$dir/apt.conf "$@"
}

# suite_knows SUITE: succeeds if its package lists are there, fresh or not.
suite_knows()
{
	[[ -e $cache/suites/$1/updated ]]
}

# suite_field SUITE PACKAGE FIELD: print a field of the package that the suite
# would install; print nothing if there is none.
suite_field()
{
	suite_apt "$1" apt-cache show --no-all-versions "$2" 2>/dev/null |
		sed -n "s/^$3: //p" | head -n 1
}

# suite_fetch SUITE DIR PACKAGE VERSION: download one package into DIR.
suite_fetch()
{
	local suite=$1 dir=$2 package=$3 version=$4

	say "fetching $package $version"
	(cd "$dir" && suite_apt "$suite" apt-get -qq download "$package=$version" \
		2>"$dir/log") && return
	cat "$dir/log" >&2
	# The archive may have replaced this version in the meantime.
	rm -f "$cache/suites/$suite/updated"
	die "$package $version cannot be fetched; run the command again"
}

# suite_fetch_all SUITE DIR PACKAGE=VERSION...: download packages and all their
# dependencies into DIR.
suite_fetch_all()
{
	local suite=$1 dir=$2

	shift 2
	mkdir -p "$dir/partial"
	say "fetching $* of $suite, and what it takes to use it"
	suite_apt "$suite" apt-get -y -qq --download-only \
		-o "Dir::Cache::archives=$dir" install "$@" >"$dir/log" 2>&1 && return
	cat "$dir/log" >&2
	rm -f "$cache/suites/$suite/updated"
	die "$* cannot be fetched; run the command again"
}

# unpack_package FILE DIR [TAR_OPTION]...: unpack a Debian package into DIR.
unpack_package()
{
	local file=$1 dir=$2

	shift 2
	dpkg-deb --fsys-tarfile "$file" |
		tar -x -C "$dir" --no-same-owner --keep-directory-symlink "$@"
}
