#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds pstmend and runs it with the arguments given; without arguments shows what it does.
# On Debian it installs what the build needs. The program is build/pstmend afterwards.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/scripts/common.sh"

demo()
{
	"$top/build/pstmend" --help
}

need $build_packages
[ -f "$top/build/Makefile" ] || configured build
make -C "$top/build" -j"$jobs" pstmend >&2

if [ $# -gt 0 ]; then
	exec "$top/build/pstmend" "$@"
fi
demo
