#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds pstmend with warnings as errors and runs its tests. On Debian it installs what that
# needs. Arguments go to make, as in: scripts/test.sh check-full
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/scripts/common.sh"

need $build_packages $test_packages
configured build --enable-werror
make -C "$top/build" -j"$jobs"
[ $# -gt 0 ] || set -- check
exec make -C "$top/build" -j"$jobs" "$@"
