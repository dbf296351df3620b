#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds pstmend and runs it with the arguments given; without arguments shows what it does.
# On Debian it installs what the build needs. The program is build/pstmend afterwards.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/scripts/common.sh"

# A sample is made, damaged, checked, repaired and exported.
demo()
{
	make -C "$top/build" -j"$jobs" tests/tools/pmmk tests/tools/pmhurt >&2
	rm -rf "$top/build/demo"
	sh "$top/scripts/demo.sh" "$top/build" "$top/build/demo"
}

need $build_packages
[ -f "$top/build/Makefile" ] || configured build
make -C "$top/build" -j"$jobs" pstmend >&2

if [ $# -gt 0 ]; then
	exec "$top/build/pstmend" "$@"
fi
demo
