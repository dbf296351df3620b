/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the commands and the program's frame know of each other. A command is a row of the
 * table in commands.c: its name, what it takes, a table of its options, and one function that
 * works on one file. The frame does the rest: options, help, output in all forms, progress,
 * error messages, several files, the exit status.
 */
#ifndef PM_CLI_CLI_H
#define PM_CLI_CLI_H

#include "base/error.h"
#include "cli/options.h"
#include "report/printer.h"

/* Bits of the exit status. */
enum pm_exit {
	PM_EXIT_OK = 0,
	PM_EXIT_FIXED = 1,    /* problems were mended */
	PM_EXIT_PROBLEMS = 4, /* problems remain */
	PM_EXIT_FAILED = 8,   /* can't read, can't write, no data file, no memory */
	PM_EXIT_USAGE = 16,
	PM_EXIT_CANCELLED = 32,
	PM_EXIT_LOST = 64, /* something is lost or partial, and listed */
};

enum pm_files {
	PM_FILES_NONE, /* all arguments are the command's own */
	PM_FILES_ONE,  /* FILE, then arguments of the command's own */
	PM_FILES_MANY, /* FILE... and nothing else */
};

/* Options of every command. */
struct pm_common {
	bool help, quiet, force, utc, local_time, stats;
	int format;         /* enum pm_print_form */
	const char *report; /* a file, or NULL */
	struct pm_number progress_fd, memory;
};

struct pm_cli {
	const struct pm_command *cmd;
	struct pm_common common;
	const void *options; /* the command's, as its table says */
	/* Of the file at hand: new for each. An error recorded here is printed by the frame, and
	 * makes the exit status. `progress` and `cancel` are set. */
	struct pm_ctx ctx;
	/* Within the document of this file, which the frame begins and ends. */
	struct pm_printer *out;
	/* The printers that errors go to: not text on standard output, they are on stderr. */
	struct pm_printer *errors; /* may be NULL */
};

struct pm_command {
	const char *name;
	const char *args;    /* as in the usage line: "FILE..." */
	const char *summary; /* one line */
	const char *detail;  /* further lines of --help, or NULL */
	enum pm_files files;
	int min, max; /* how many arguments there may be, FILE included; max -1: any number */
	/* --format is an option of the command's own, and standard output is text */
	bool own_format;
	const struct pm_option *options; /* NULL: none but those of every command */
	size_t size;                     /* bytes of the structure that they fill */
	/* Look at arguments (PM_FILES_ONE: those behind it) and options before anything is done:
	 * PM_EXIT_OK, or what pm_cli_usage returned. May be NULL. */
	int (*check)(const struct pm_cli *cli, int argc, char **argv);
	/* Work on one file (NULL for PM_FILES_NONE): bits of pm_exit. `argv` are the arguments
	 * that are not files. */
	int (*run)(struct pm_cli *cli, const char *file, int argc, char **argv);
};

extern const struct pm_command *const pm_commands[]; /* NULL at the end */

/* The whole program but for main(): the exit status. */
int pm_cli_main(int argc, char **argv);

/* A line on stderr: "pstmend: " and the text. What ends the work belongs on ctx instead. */
void pm_cli_message(const char *fmt, ...) PM_PRINTF(1, 2);
/* A line on stderr about an error that is none of a file's at work. */
void pm_cli_error(const struct pm_ctx *ctx);
/* A message that the command line is wrong, with a hint at --help; returns PM_EXIT_USAGE. */
int pm_cli_usage(const struct pm_command *cmd, const char *fmt, ...) PM_PRINTF(2, 3);

#endif
