/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OLE objects: the picture that an object's storage has of itself, for programs that don't know
 * the object. The storage is a compound file [MS-CFB]; pictures are in its stream "CONTENTS", or
 * in a presentation stream [MS-OLEDS 2.3.4].
 */
#ifndef PM_EXPORT_OLE_H
#define PM_EXPORT_OLE_H

#include "base/bytes.h"

struct pm_ole_picture {
	const char *type, *suffix; /* "image/bmp", ".bmp"; static */
	struct pm_buf data;        /* a file of this type */
};

/*
 * The picture in a storage. PM_OK; PM_NONE: there is none, or what there is can't be read; or an
 * error. ret->data is to be freed in every case.
 */
enum pm_rc pm_ole_find_picture(struct pm_ctx *ctx, struct pm_span storage,
			       struct pm_ole_picture *ret) PM_MUST_CHECK;

#endif
