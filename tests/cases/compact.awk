# SPDX-License-Identifier: Apache-2.0
# JSON as the program prints it, with each object of a list on a line of its own.
/^ +\{$/ {
	joining = 1
	indent = $0
	sub(/\{$/, "", indent)
	line = $0
	next
}
joining {
	text = $0
	sub(/^ +/, "", text)
	line = line (line ~ /[{[]$/ || text ~ /^[]}]/ ? "" : " ") text
	if ($0 == indent "}" || $0 == indent "},") {
		print line
		joining = 0
	}
	next
}
{ print }
