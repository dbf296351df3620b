# SPDX-License-Identifier: Apache-2.0
# Takes out of reports what differs from run to run or from version to version.
s/pstmend [0-9][0-9]*\.[0-9][0-9]*\.[0-9][0-9a-z.-]*/pstmend VERSION/g
s/\("\(version\|pstmend\)": *"\)[0-9][^"]*"/\1VERSION"/g
s/[0-9][0-9]*\.[0-9][0-9]* \(s\|seconds\|MB\/s\|MiB\/s\)\b/TIME \1/g
s/\("\(seconds\|elapsed\|started\|finished\|bytes_per_second\)": *\)[^,}]*/\1null/g
