# SPDX-License-Identifier: Apache-2.0
# Prints C sources without comments, strings and character constants, a line for a line,
# as FILE:LINE:CODE. What stood in /* lint: ... */ is kept, as an exemption that a rule reads.

FNR == 1 { in_comment = 0 }

{
	line = $0
	code = ""
	keep = match(line, /\/\* lint: [a-z_ ]+/) ? substr(line, RSTART + 3, RLENGTH - 3) : ""
	while (line != "") {
		if (in_comment) {
			at = index(line, "*/")
			if (!at)
				break
			line = substr(line, at + 2)
			in_comment = 0
			continue
		}
		if (!match(line, /\/\*|\/\/|"|'/)) {
			code = code line
			break
		}
		code = code substr(line, 1, RSTART - 1)
		mark = substr(line, RSTART, RLENGTH)
		line = substr(line, RSTART + RLENGTH)
		if (mark == "//")
			break
		if (mark == "/*") {
			in_comment = 1
			continue
		}
		# a string or a character: to its end on this line
		if (mark == "\"") {
			code = code "\"\""
			if (match(line, /^([^"\\]|\\.)*"/))
				line = substr(line, RLENGTH + 1)
			else
				line = ""
		} else {
			code = code "0"
			if (match(line, /^([^'\\]|\\.)*'/))
				line = substr(line, RLENGTH + 1)
		}
	}
	printf "%s:%d:%s%s\n", FILENAME, FNR, code, keep == "" ? "" : " @" keep
}
