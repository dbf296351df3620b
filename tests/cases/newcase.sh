#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Begins a case: make newcase NAME=PROBLEM/NAME
set -eu
: "${top_srcdir:?run this through make newcase}"
case ${NAME:-} in
*[!a-z0-9/-]* | */*/* | /* | */ | '')
	echo "usage: make newcase NAME=PROBLEM/NAME (small letters, digits and -)" >&2
	exit 16
	;;
*/*) ;;
*)
	echo "usage: make newcase NAME=PROBLEM/NAME" >&2
	exit 16
	;;
esac
dir=$top_srcdir/testdata/cases/$NAME
[ ! -e "$dir" ] || {
	echo "$dir is there already" >&2
	exit 8
}
mkdir -p "$dir"
cat >"$dir/recipe" <<RECIPE
# SPDX-License-Identifier: Apache-2.0
# What is wrong, and where real files have it from.
seed unicode-small
set bbt.leaf[0].trailer.dwCRC ^1
expect check 4
expect repair 1
RECIPE
echo "now edit $dir/recipe, then: make golden CASE=$NAME"
