/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of the layer base. */
#include "pm_test.h"

#include "base/bytes.h"

static void test_first_error_stays(void **state)
{
	struct pm_ctx ctx = {0};

	(void)state;
	assert_int_equal(pm_fail(&ctx, PM_EIO, "cannot read %s at %d", "a.pst", 7), PM_EIO);
	assert_int_equal(pm_fail(&ctx, PM_ENOMEM, "second"), PM_EIO);
	assert_int_equal(ctx.rc, PM_EIO);
	assert_string_equal(ctx.text, "cannot read a.pst at 7");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_error_stays),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
