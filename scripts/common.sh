# SPDX-License-Identifier: Apache-2.0
# What run.sh, test.sh and .ci/run share: the Debian packages, and configuring out of tree.
# Sourced with $top set. Everything it says goes to stderr.

build_packages='
autoconf
automake
gcc
libbfio-dev
libc6-dev
libdeflate-dev
libgmime-3.0-dev
libical-dev
libjansson-dev
libpff-dev
libsqlite3-dev
libtool
make
nettle-dev
pkg-config
zlib1g-dev
'

# clang-format and mandoc are for the lints; most others are independent readers. Of Dovecot only
# programs are needed, not the service (see need).
test_packages='
binutils
clang-format
dovecot-imapd
libcmocka-dev
mandoc
mblaze
mutt
openssl
pff-tools
pst-utils
python3
python3-icalendar
python3-vobject
sqlite3
xz-utils
'

say()
{
	printf '%s\n' "$*" >&2
}

# need PACKAGE...: install those that are missing, through sudo when not root. Services that come
# with them are not started meanwhile.
need()
{
	missing=
	command -v dpkg-query >/dev/null && command -v apt-get >/dev/null || {
		say "not a Debian system: taking it that these are there in some form:" $*
		return 0
	}
	for package; do
		case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) in
		installed*) ;;
		*) missing="$missing $package" ;;
		esac
	done
	[ -n "$missing" ] || return 0
	sudo=
	if [ "$(id -u)" -ne 0 ]; then
		command -v sudo >/dev/null || {
			say "missing packages, and neither root nor sudo to install them; as root:"
			say "    apt-get install$missing"
			return 1
		}
		sudo=sudo
	fi
	say "installing:$missing"
	$sudo apt-get update -q >&2 </dev/null || return 1
	(
		policy=/usr/sbin/policy-rc.d
		if [ ! -e $policy ]; then
			trap '$sudo rm -f $policy' EXIT
			trap 'exit 1' HUP INT TERM
			printf '#!/bin/sh\nexit 101\n' | $sudo tee $policy >/dev/null &&
				$sudo chmod 755 $policy || exit 1
		fi
		$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y \
			--no-install-recommends $missing >&2 </dev/null
	)
}

# configured DIRECTORY FLAG...: DIRECTORY (below $top) is configured with exactly these flags.
configured()
{
	dir=$top/$1
	shift
	[ -x "$top/configure" ] || (cd "$top" && autoreconf -fi >&2) || return 1
	if [ -f "$dir/Makefile" ] && [ "$(cat "$dir/.flags" 2>/dev/null)" = "$*" ]; then
		return 0
	fi
	mkdir -p "$dir" && rm -f "$dir/.flags" || return 1
	(cd "$dir" && ../configure "$@" >&2) || return 1
	printf '%s\n' "$*" >"$dir/.flags"
}

jobs=$(nproc 2>/dev/null || echo 2)
