/* SPDX-License-Identifier: GPL-2.0 */
/*
 * wipe_stack.h - clear the stack, so that no pointer stays on it.
 */
#ifndef GOMEM_TEST_WIPE_STACK_H
#define GOMEM_TEST_WIPE_STACK_H

#include <linux/compiler.h>
#include <linux/string.h>

/* Clear 512 bytes @depth + 1 times. Another task may get this stack later. */
static noinline void wipe_stack(unsigned int depth)
{
	char junk[512];

	memset(junk, 0, sizeof(junk));
	barrier_data(junk);
	if (depth)
		wipe_stack(depth - 1);
	barrier_data(junk);
}

#endif /* GOMEM_TEST_WIPE_STACK_H */
