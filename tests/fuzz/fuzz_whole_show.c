/* SPDX-License-Identifier: Apache-2.0 */
/* A damaged file, shown: the commands info, ls and dump, in every form of output. */
#include "hurt.h"
#include "whole.h"

#include "cli/commands.h"

#include <sys/mman.h>
#include <unistd.h>

#define ARGS_MAX 16

static enum pm_rc drop(struct pm_writer *w, const void *p, size_t n)
{
	(void)w;
	pm_fuzz_touch(p, n);
	return PM_OK;
}

/* Words of a line, in argv[1...]; how many there are with argv[0]. */
static int split(char *line, char **argv)
{
	int argc = 1;

	for (char *p = line; *p && argc < ARGS_MAX; argc++) {
		argv[argc] = p;
		p += strcspn(p, " ");
		if (*p)
			*p++ = '\0';
	}
	return argc;
}

/* As the frame does it, but for the output. */
static void show(const struct pm_command *cmd, const char *file, enum pm_print_form form,
		 const char *line)
{
	struct pm_cli cli = {.cmd = cmd};
	struct pm_ctx printer = {0};
	struct pm_writer w = {.write = drop};
	const struct pm_print_options how = {0};
	void *own = calloc(1, cmd->size + 1);
	const struct pm_option_set set = {cmd->options, own};
	char words[256], *argv[ARGS_MAX] = {words};
	struct pm_buf why = {0};
	int first = 0, argc, bits;

	snprintf(words, sizeof(words), "%s", line);
	argc = split(words, argv);
	must(own && pm_options_parse(&cli.ctx, &set, 1, argc, argv, &first, &why));
	must(pm_printer_new(&printer, form, &w, &how, &cli.out) == PM_OK);
	cli.options = own;
	pm_print_begin_doc(cli.out, cmd->name, file);
	bits = cmd->run(&cli, file, argc - first, argv + first);
	must(bits == PM_EXIT_OK || bits == PM_EXIT_LOST);
	/* Wrong usage: what is to be dumped is not there. */
	must(cli.ctx.rc == PM_OK || cli.ctx.rc == PM_EUNSUP || cli.ctx.rc == PM_ELIMIT ||
	     (cli.ctx.rc == PM_EUSAGE && cmd == &pm_cmd_dump));
	pm_print_unwind(cli.out, 1);
	pm_print_end(cli.out);
	must(pm_printer_finish(cli.out) == PM_OK);
	pm_printer_free(cli.out);
	pm_buf_done(&why);
	free(own);
}

int pm_fuzz_whole_show(const uint8_t *p, size_t n)
{
	static const char *const objects[] = {"header amap:0 dlist page:0x4600",
					      "--full nbt bbt",
					      "--full node:0x21",
					      "--full node:0x61",
					      "--full node:0x122 node:0x12D node:0x12E",
					      "--full node:0x200024 heap:0x200024",
					      "node:0x200044/0x692 node:0x200044/0x8025",
					      "block:4",
					      NULL};
	struct pm_span bytes = pm_hurt_bytes(p, n);
	enum pm_print_form form = n > 1 ? p[n - 1] % 3 : PM_PRINT_TEXT;
	char path[64];
	int fd;

	if (!bytes.n)
		return 0;
	fd = memfd_create("pm-fuzz", MFD_CLOEXEC);
	must(fd >= 0 && pwrite(fd, bytes.p, bytes.n, 0) == (ssize_t)bytes.n);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	show(&pm_cmd_info, path, form, "");
	show(&pm_cmd_ls, path, form, "");
	show(&pm_cmd_ls, path, form, "-ra");
	for (size_t i = 0; objects[i]; i++)
		show(&pm_cmd_dump, path, form, objects[i]);
	close(fd);
	return 0;
}
