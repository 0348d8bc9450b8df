/* SPDX-License-Identifier: GPL-2.0 */
/*
 * wipe_stack.h - clear the unused part of the stack, so that no pointer stays
 * there.
 */
#ifndef GOMEM_TEST_WIPE_STACK_H
#define GOMEM_TEST_WIPE_STACK_H

#include <linux/compiler.h>
#include <linux/string.h>

/*
 * Clear (@depth + 1) * 512 bytes of the stack below the caller. Otherwise
 * kmemleak, which scans all stacks, may find a stale pointer there.
 */
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
