/* SPDX-License-Identifier: Apache-2.0 */
/* The program: finds the command and runs it. */
#include "pstmend.h"

#include <stdio.h>
#include <string.h>

#define EXIT_USAGE 16

static const char help[] = "Usage: pstmend [--help] [--version]\n"
			   "Check, repair, inspect and export Outlook data files (PST and OST).\n";

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		printf("pstmend %s\n", pstmend_version());
		return 0;
	}
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		fputs(help, stdout);
		return 0;
	}
	if (argc < 2)
		fprintf(stderr, "pstmend: a command is needed; try pstmend --help\n");
	else
		fprintf(stderr, "pstmend: no command '%s'; try pstmend --help\n", argv[1]);
	return EXIT_USAGE;
}
