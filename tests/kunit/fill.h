/* SPDX-License-Identifier: GPL-2.0 */
/*
 * fill.h - contents of objects: a pattern that an overlap breaks, and zeroes.
 *
 * The suites use all gomem_usable_size() bytes of an object. The compiler may
 * know that fewer were requested. CONFIG_FORTIFY_SOURCE would then take an
 * access for an overflow, and BUG(). So these functions hide from the compiler
 * where a pointer comes from.
 */
#ifndef GOMEM_TEST_FILL_H
#define GOMEM_TEST_FILL_H

#include <linux/compiler.h>
#include <linux/string.h>
#include <linux/types.h>

/*
 * Return the byte that fills the object at @p. It depends on bits 3 to 18 of
 * the address, so that most objects that overlap have different bytes. Then the
 * fill of one of them breaks the pattern of the other.
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
