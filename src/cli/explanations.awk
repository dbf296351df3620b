# SPDX-License-Identifier: Apache-2.0
# Makes C of docs/problems.md: the text of each section, for `pstmend explain`. The line with
# severity and repair is left out, the program knows these.
function close_section()
{
	if (name != "")
		print "\t},"
	name = ""
}

function quoted(s)
{
	gsub(/\\/, "\\\\", s)
	gsub(/"/, "\\\"", s)
	return "\"" s "\\n\""
}

BEGIN {
	print "/* SPDX-License-Identifier: Apache-2.0 */"
	print "/* Made from docs/problems.md by explanations.awk. */"
	print "#include \"cli/explain.h\"\n"
	print "const struct pm_explanation pm_explanations[] = {"
}

/^#/ {
	close_section()
}

/^## / {
	name = $2
	blank = 0
	empty = 1
	print "\t{\"" name "\","
	next
}

name == "" || /^\*.*, repair: .*\*$/ {
	next
}

# Blank lines only between others.
/^$/ {
	blank = !empty
	next
}

{
	if (blank)
		print "\t " quoted("")
	blank = 0
	empty = 0
	print "\t " quoted($0)
}

END {
	close_section()
	print "\t{0, 0},\n};"
}
