/* SPDX-License-Identifier: Apache-2.0 */
/* Copying the source beside the analysis; see copying.h. */
#include "repair/copying.h"

#include "base/pool.h"

/* Asked after each piece; the thread's own context can't be asked to stop by two. */
static void ask(void *arg, const char *phase, uint64_t done, uint64_t total)
{
	struct pm_copying *c = arg;

	(void)phase;
	(void)done;
	(void)total;
	if (c->cancel && *c->cancel)
		c->stop = 1;
}

static void *work(void *arg)
{
	struct pm_copying *c = arg;

	/* An error stays in the context, for whoever takes the output. */
	if (pm_output_clone_begin(c->out, c->src, &c->done))
		c->done = 0;
	return NULL;
}

void pm_copying_start(struct pm_copying *c, struct pm_ctx *ctx, const struct pm_image *src,
		      const char *path, unsigned int flags)
{
	if (c->tried || ctx->jobs < 2)
		return;
	c->tried = true;
	c->cancel = ctx->cancel;
	c->ctx = (struct pm_ctx){.progress = ask, .progress_arg = c, .cancel = &c->stop};
	c->src = src;
	if (pm_output_create(&c->ctx, path, flags, &c->out)) {
		c->out = NULL;
		return;
	}
	c->running = pm_thread_start(&c->thread, work, c);
}

static void wait_for(struct pm_copying *c)
{
	if (c->running)
		pthread_join(c->thread, NULL);
	c->running = false;
}

enum pm_rc pm_copying_take(struct pm_copying *c, struct pm_ctx *ctx, struct pm_output **ret,
			   uint64_t *ret_done)
{
	wait_for(c);
	*ret = c->out;
	*ret_done = c->done;
	if (!c->out)
		return PM_OK;
	c->out = NULL;
	pm_output_hand_over(*ret, ctx);
	return c->ctx.rc ? pm_fail(ctx, c->ctx.rc, "%s", c->ctx.text) : PM_OK;
}

void pm_copying_done(struct pm_copying *c)
{
	c->stop = 1;
	wait_for(c);
	pm_output_free(c->out);
	c->out = NULL;
}
