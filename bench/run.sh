#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# How fast pstmend is, beside what limits it (a bare loop that reads and takes checksums, cat, cp)
# and beside other programs (readpst, pffexport), on the same file at the same time:
#
#	bench/run.sh [-n ROUNDS] [-j JOB,JOB...] [-m MESSAGES,MESSAGES...] [-c] [FILE...]
#
# Every round runs every job once; a ratio is taken within a round, so that what else the machine
# does at that time hits both sides; those of processor time it hits least. The table has medians
# and spread over the rounds, and the peak memory. -c empties the cache of the file before each
# run (no root needed). Without FILE a store of 620 MB with 20,000 messages is made (store.awk,
# tests/tools/pmmk) and kept in $PM_BENCH_DIR (default: $TMPDIR, else /tmp) as bench-20000.pst; -m says
# how many messages, and of how many stores: -m 20000,80000,260000 are 0.6, 2.5 and 8 GB. With several
# stores or files, best of sizes that are far apart, it also prints how time grows with size.
#
# A job is skipped, with a word, when its program is not there or doesn't know the command yet.
set -u
LC_ALL=C
export LC_ALL

top=$(cd "$(dirname "$0")/.." && pwd)
build=${PM_BUILD:-$top/build}
pstmend=${PSTMEND:-$build/pstmend}
dir=${PM_BENCH_DIR:-${TMPDIR:-/tmp}}
rounds=3 only='' cold=no messages=20000

die()
{
	echo "bench: $*" >&2
	exit 8
}

while getopts n:j:m:c option; do
	case $option in
	n) rounds=$OPTARG ;;
	j) only=$OPTARG ;;
	m) messages=$OPTARG ;;
	c) cold=yes ;;
	*) sed -n '3,19s/^# \{0,1\}//p' "$0" >&2 && exit 16 ;;
	esac
done
shift $((OPTIND - 1))

[ -x "$pstmend" ] || die "there is no $pstmend; build it first, or set PSTMEND"
MAKEFLAGS= make -s -C "$build" bench/crcloop bench/measure >/dev/null || die "cannot build bench/ in $build"
crcloop=$build/bench/crcloop
measure=$build/bench/measure
work=$(mktemp -d "$dir/pmbench.XXXXXX") || exit 8
trap 'rm -rf "$work"' EXIT
trap 'exit 32' HUP INT TERM

# make_store FILE MESSAGES: written beside and renamed, so that a broken run leaves no half of it
make_store()
{
	MAKEFLAGS= make -s -C "$build" tests/tools/pmmk >/dev/null || die "cannot build tests/tools/pmmk in $build"
	echo "bench: making $1" >&2
	awk -v "messages=$2" -f "$top/bench/store.awk" | "$build/tests/tools/pmmk" - "$1.new" &&
		mv "$1.new" "$1" || die "cannot make $1"
}

# number FILE OFFSET BYTES: little-endian
number()
{
	od -A n -t "u$3" -j "$2" -N "$3" "$1" | tr -d ' '
}

# lose_trees FILE: overwrite the beginning of the root pages of both trees, whose places the header
# has [MS-PST 2.2.2.6], so that a repair has to find all from the pages below
lose_trees()
{
	if [ "$(number "$1" 10 2)" -lt 20 ]; then
		places="188 196" width=4
	else
		places="224 240" width=8
	fi
	for place in $places; do
		dd if=/dev/zero of="$1" bs=1 count=512 seek="$(number "$1" "$place" "$width")" \
			conv=notrunc status=none || return
	done
}

# ---- jobs: name | what its time is compared with | statuses that mean success | "dir" when $out
# must be there | command. $file is the store, $hurt the one without trees; $out is gone before
# and afterwards.

jobs='
crcloop|crcloop|0||"$crcloop" "$file"
cat|crcloop|0||cat "$file"
check|crcloop|0||"$pstmend" check "$file"
check-1|crcloop|0||"$pstmend" check --jobs 1 "$file"
check-quick|crcloop|0||"$pstmend" check --quick "$file"
cp|cp|0||cp "$file" "$out"
repair-self|cp|1 65||"$pstmend" repair --verify self -o "$out" "$hurt"
repair|cp|1 65||"$pstmend" repair -o "$out" "$hurt"
mbox|readpst|0||"$pstmend" export --format mbox -o "$out" "$file"
mbox-1|readpst|0||"$pstmend" export --jobs 1 --format mbox -o "$out" "$file"
readpst|readpst|0|dir|readpst -q -r -D -o "$out" "$file"
eml|readpst-e|0||"$pstmend" export --format eml -o "$out" "$file"
eml-1|readpst-e|0||"$pstmend" export --jobs 1 --format eml -o "$out" "$file"
readpst-e|readpst-e|0|dir|readpst -q -e -D -o "$out" "$file"
pffexport|readpst|0||pffexport -q -t "$out" "$file"
'

wanted()
{
	[ -z "$only" ] || case ,$only, in *,"$1",*) ;; *) false ;; esac
}

# run_job NAME STATUSES DIR COMMAND: a line "NAME SECONDS PROCESSOR KIB" in the results, or a word why not
run_job()
{
	name=$1 good=$2
	out=$work/out
	rm -rf "$out"*
	[ -z "$3" ] || mkdir "$out" || die "cannot make $out"
	[ $cold = no ] || for f in "$file" "$hurt"; do
		dd if="$f" iflag=nocache count=0 status=none
	done
	eval "set -- $4"
	result=$("$measure" "$@") || die "cannot measure $name"
	status=${result##* }
	case " $good " in
	*" $status "*) echo "$name ${result% *}" >>"$work/results" ;;
	*)
		case $status in
		127) why="there is no program $1" ;;
		16) why="it doesn't know this command" ;;
		*) why="exit status $status" ;;
		esac
		grep -qxF "$name: $why" "$work/skipped" || echo "$name: $why" >>"$work/skipped"
		;;
	esac
	rm -rf "$out"*
}

# table: from the results; needs, of each job, as many lines as there were rounds
table()
{
	echo "$jobs" | awk -F '|' 'NF == 5 { print $1, $2 }' >"$work/bases"
	awk -v size="$1" -v growth="$work/growth" '
	function median(v, n,    i, k, t) {
		for (i = 2; i <= n; i++) {
			t = v[i]
			for (k = i - 1; k > 0 && v[k] > t; k--)
				v[k + 1] = v[k]
			v[k + 1] = t
		}
		return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
	}
	NR == FNR { order[++jobs] = $1; base[$1] = $2; next }
	{ time[$1, ++n[$1]] = $2; used[$1, n[$1]] = $3; if ($4 > peak[$1]) peak[$1] = $4 }
	END {
		printf "%-12s %10s %10s %10s  %-10s %8s %17s %10s %17s\n", "job", "seconds", "processor",
			"peak MB", "beside", "ratio", "spread", "processor", "spread"
		for (i = 1; i <= jobs; i++) {
			job = order[i]
			b = base[job]
			if (!n[job])
				continue
			for (k = 1; k <= n[job]; k++)
				v[k] = used[job, k]
			cpu = median(v, n[job])
			for (k = 1; k <= n[job]; k++)
				v[k] = time[job, k]
			m = median(v, n[job])
			printf "%-12s %10.3f %10.3f %10.1f  ", job, m, cpu, peak[job] / 1024
			print job, size, m >>growth
			if (b == job || n[b] != n[job]) {
				print b == job ? "" : b " is not there"
				continue
			}
			for (k = 1; k <= n[job]; k++)
				v[k] = time[job, k] / time[b, k]
			m = median(v, n[job])
			printf "%-10s %8.2f %8.2f-%8.2f", b, m, v[1], v[n[job]]
			# What is over at once has used no time that could be measured.
			for (k = 1; k <= n[job]; k++)
				v[k] = used[b, k] > 0 ? used[job, k] / used[b, k] : 0
			m = median(v, n[job])
			printf " %10.2f %8.2f-%8.2f\n", m, v[1], v[n[job]]
		}
	}' "$work/bases" "$work/results"
	sed 's/^/skipped: /' "$work/skipped"
}

# bench FILE
bench()
{
	file=$1 hurt=$work/hurt.pst
	size=$(wc -c <"$file" | tr -d ' ') || exit 8
	cp "$file" "$hurt" && chmod u+w "$hurt" && lose_trees "$hurt" || die "cannot make $hurt"
	: >"$work/results"
	: >"$work/skipped"
	round=0
	while [ $round -lt "$rounds" ]; do
		round=$((round + 1))
		echo "$jobs" | while IFS='|' read -r name base good prepare command; do
			[ -n "$name" ] && wanted "$name" || continue
			run_job "$name" "$good" "$prepare" "$command" </dev/null
		done || exit
	done
	echo
	echo "$file: $size bytes, $rounds rounds, cache $([ $cold = yes ] && echo cold || echo warm)"
	table "$size"
}

grep -m 1 'model name' /proc/cpuinfo 2>/dev/null | sed 's/.*: //'
echo "$(date -u +%Y-%m-%d), $(nproc 2>/dev/null) cores, $(uname -sr), load $(cut -d ' ' -f 1 /proc/loadavg)"
if [ $# -eq 0 ]; then
	for n in $(echo "$messages" | tr ',' ' '); do
		[ -f "$dir/bench-$n.pst" ] || make_store "$dir/bench-$n.pst" "$n"
		set -- "$@" "$dir/bench-$n.pst"
	done
fi
: >"$work/growth"
for store; do
	[ -f "$store" ] || die "there is no $store"
	bench "$store"
done
[ $# -eq 1 ] || awk '
	!($1 in small) { order[++jobs] = $1 }
	!($1 in small) || $2 < small[$1] { small[$1] = $2; first[$1] = $3 }
	!($1 in large) || $2 > large[$1] { large[$1] = $2; last[$1] = $3 }
	END {
		print "\ntime grows with size to the power of"
		for (i = 1; i <= jobs; i++) {
			job = order[i]
			if (large[job] > small[job] && first[job] > 0)
				printf "%-12s %10.2f\n", job,
					log(last[job] / first[job]) / log(large[job] / small[job])
		}
	}' "$work/growth"
