/* SPDX-License-Identifier: Apache-2.0 */
/* The sticky error of a context. */
#include "base/error.h"

#include <stdio.h>
#include <string.h>

enum pm_rc pm_fail(struct pm_ctx *ctx, enum pm_rc rc, const char *fmt, ...)
{
	va_list ap;

	if (ctx->rc != PM_OK)
		return ctx->rc;
	ctx->rc = rc;
	va_start(ap, fmt);
	vsnprintf(ctx->text, sizeof(ctx->text), fmt, ap);
	va_end(ap);
	return rc;
}

enum pm_rc pm_fail_oom(struct pm_ctx *ctx)
{
	return pm_fail(ctx, PM_ENOMEM, "out of memory");
}

enum pm_rc pm_tick(struct pm_ctx *ctx, const char *phase, uint64_t done, uint64_t total)
{
	if (ctx->progress)
		ctx->progress(ctx->progress_arg, phase, done, total);
	if (ctx->cancel && *ctx->cancel)
		return pm_fail(ctx, PM_ECANCEL, "cancelled");
	return PM_OK;
}
