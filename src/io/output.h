/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing a new file so that its name either means the whole, finished file or does not
 * exist: it grows under a temporary name in the same directory (".NAME.pstmend-PID-N") and
 * takes its name at the end. Freed without commit, it leaves nothing behind.
 */
#ifndef PM_IO_OUTPUT_H
#define PM_IO_OUTPUT_H

#include "io/image.h"

#include <sys/types.h>

struct pm_output;

enum pm_output_flags {
	PM_OUTPUT_FORCE = 1,  /* an existing regular file of this name may be replaced */
	PM_OUTPUT_NOSYNC = 2, /* don't wait for the disk (exports of many small files) */
	/*
	 * The temporary name is ".NAME.pstmend-part", what is there of that name is replaced, and
	 * what is not finished stays, so that a later process can go on with it.
	 */
	PM_OUTPUT_KEEP = 4,
	/*
	 * Begun by an earlier process, with KEEP: until pm_output_resume nothing is done but
	 * counting bytes, and to commit it is nothing.
	 */
	PM_OUTPUT_LATER = 8,
};

/*
 * Begin. PM_EUSAGE when the name exists (without FORCE), or is something else than a regular
 * file; PM_EIO when the file can't be created. ctx is borrowed.
 */
enum pm_rc pm_output_create(struct pm_ctx *ctx, const char *path, unsigned int flags,
			    struct pm_output **ret);

/*
 * Go on with what an earlier process wrote, from this size on; of a LATER output. It may have
 * its final name by now, which it loses again. PM_EIO when it is not there or shorter.
 */
enum pm_rc pm_output_resume(struct pm_output *out, uint64_t size) PM_MUST_CHECK;

/*
 * Could an output of this name be made? So that hours of work need not end in a name that is
 * taken: the errors of pm_output_create, as far as they can be told without making anything,
 * and PM_EUSAGE when the output would replace the very file of src (with FORCE).
 */
enum pm_rc pm_output_check(struct pm_ctx *ctx, const char *path, unsigned int flags,
			   const struct pm_image *src);

/*
 * Make the output a copy of src: by sharing its blocks where the file system can, else by
 * copying. PM_DAMAGED when parts of src are unreadable: zeros here, recorded in
 * src->unreadable. PM_EUSAGE when the output would replace the very file of src.
 */
enum pm_rc pm_output_clone(struct pm_output *out, struct pm_image *src);

/*
 * The same in two steps. The first, what the system can do by itself, may run in a thread while src
 * is read by others: an output with a context of its own, which is then handed over. *ret_done is
 * for the second step, which does the rest.
 */
enum pm_rc pm_output_clone_begin(struct pm_output *out, const struct pm_image *src,
				 uint64_t *ret_done);
enum pm_rc pm_output_clone_end(struct pm_output *out, struct pm_image *src, uint64_t done);
void pm_output_hand_over(struct pm_output *out, struct pm_ctx *ctx);

enum pm_rc pm_output_write(struct pm_output *out, uint64_t off, const void *p, size_t n);
enum pm_rc pm_output_append(struct pm_output *out, const void *p, size_t n); /* at the end */
enum pm_rc pm_output_truncate(struct pm_output *out, uint64_t size);
enum pm_rc pm_output_sync(struct pm_output *out);

/* Permission bits that the file gets at commit; 0600 if not called. */
void pm_output_set_mode(struct pm_output *out, mode_t mode);

/* The unfinished file: its path (of the output's life), descriptor and length. */
const char *pm_output_temp_path(const struct pm_output *out);
int pm_output_fd(const struct pm_output *out);
uint64_t pm_output_size(const struct pm_output *out);

/*
 * Sync, give it its name (never that of an existing file, unless FORCE), sync the directory.
 * Not an error of the content: PM_EUSAGE when the name exists by now.
 */
enum pm_rc pm_output_commit(struct pm_output *out);

/* Close; removes the temporary file unless it was committed. NULL is fine. */
void pm_output_free(struct pm_output *out);

static inline void pm_output_freep(struct pm_output **out)
{
	pm_output_free(*out);
}

#endif
