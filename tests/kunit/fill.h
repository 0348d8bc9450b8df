/* SPDX-License-Identifier: GPL-2.0 */
/*
 * fill.h - contents of objects: a pattern that shows an overlap, and zeroes.
 *
 * The suites use all bytes that gomem_usable_size() returns. The compiler may
 * know that fewer were requested, and CONFIG_FORTIFY_SOURCE would end the
 * kernel. So these functions hide from it where a pointer comes from.
 */
#ifndef GOMEM_TEST_FILL_H
#define GOMEM_TEST_FILL_H

#include <linux/compiler.h>
#include <linux/string.h>
#include <linux/types.h>

/*
 * The pattern depends on the address, so that objects that overlap have
 * different patterns.
 */
static inline u8 pattern_of(const void *p)
{
	return (unsigned long)p >> 3 ^ (unsigned long)p >> 11 ^ 0x5a;
}

static inline void fill(void *p, size_t size)
{
	OPTIMIZER_HIDE_VAR(p);
	memset(p, pattern_of(p), size);
}

static inline bool is_filled(const void *p, size_t size)
{
	OPTIMIZER_HIDE_VAR(p);
	return !memchr_inv(p, pattern_of(p), size);
}

static inline bool is_zero(const void *p, size_t size)
{
	OPTIMIZER_HIDE_VAR(p);
	return !memchr_inv(p, 0, size);
}

#endif /* GOMEM_TEST_FILL_H */
