# SPDX-License-Identifier: Apache-2.0
# problems.def, a line a row: symbol name layer severity repair | arguments | text
# (strings joined). Rows may take several lines and strings several pieces.
/^[ \t]*(\/?\*|\/\*)/ { next }
/^PROBLEM\(/ { row = "" ; on = 1 }
on {
	row = row " " $0
	if (/\)[ \t]*$/) {
		on = 0
		sub(/^ PROBLEM\(/, "", row)
		sub(/\)[ \t]*$/, "", row)
		gsub(/"[ \t]+"/, "", row)
		n = split(row, q, "\"")
		gsub(/[ \t,]+/, " ", q[1])
		gsub(/[ \t,]+/, " ", q[3])
		sub(/^ /, "", q[3])
		printf "%s%s %s| %s | %s\n", q[1], q[2], q[3], q[4], q[6]
	}
}
