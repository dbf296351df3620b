# SPDX-License-Identifier: Apache-2.0
# A store to be measured, as a description for tests/tools/pmmk, always the same:
#
#	awk -v messages=20000 -f bench/store.awk
#
# 40 folders, one with half of all messages; bodies of 1 to 24 KiB, some with HTML, some with two or three
# recipients; every second message has an attachment, most of them small, of 1 to 125 KiB. 20,000
# messages are some 580 MB. With -v folders=N there are N folders, with as many messages each.
BEGIN {
	even = folders
	folders = folders ? folders : 40
	print "format unicode"
	print "crypt permute"
	print "store \"measured\""
	for (f = 1; f <= folders; f++) {
		printf "folder \"Folder %d\" IPF.Note\n", f
		count = even ? int(messages / folders) : f == 1 ? int(messages / 2) : int(messages / 2 / (folders - 1))
		for (i = 0; i < count; i++)
			message(++n, f)
	}
}

function message(n, f,    x)
{
	x = (n * 7919) % 1009
	printf "message \"Message %d of folder %d\"\n", n, f
	printf "from \"Sender %d\" sender%d@example.org\n", x % 97, x % 97
	printf "date 20%02d-%02d-%02dT%02d:%02d:00\n", 10 + x % 14, 1 + x % 12, 1 + x % 28, x % 24, n % 60
	printf "to \"Reader %d\" reader%d@example.net\n", x % 89, x % 89
	if (x % 5 == 0)
		printf "cc \"Other %d\" other%d@example.net\n", x % 83, x % 83
	printf "text @%d\n", 500 + x * 11
	if (x % 4 == 0)
		printf "html @%d\n", 1000 + x * 23
	if (n % 2)
		printf "attach \"file-%d.bin\" application/octet-stream @%d\n", n, size((n * 104729) % 997)
}

# Few are large: the square of a number that is evenly spread, twice.
function size(x)
{
	x = x / 997
	return int(1000 + x * x * 36000 + x * x * x * x * x * x * 90000)
}
