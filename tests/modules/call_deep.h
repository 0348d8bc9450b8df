/* SPDX-License-Identifier: GPL-2.0 */
/*
 * call_deep.h - call a function far below the caller's stack frame. So what the
 * function leaves on the stack lies below the frames of the functions that the
 * caller calls next.
 */
#ifndef GOMEM_TEST_CALL_DEEP_H
#define GOMEM_TEST_CALL_DEEP_H

#include <linux/compiler.h>
#include <linux/string.h>

/* Call @fn at least (@depth + 1) * 512 bytes below the caller's frame. */
static noinline void call_deep(void (*fn)(void), unsigned int depth)
{
	char junk[512];

	memset(junk, 0, sizeof(junk));
	barrier_data(junk);
	if (depth)
		call_deep(fn, depth - 1);
	else
		fn();
	barrier_data(junk);
}

#endif /* GOMEM_TEST_CALL_DEEP_H */
