/* SPDX-License-Identifier: GPL-2.0 */
/*
 * key.h - how a free object is told from a live one.
 *
 * While an object is free its first word holds its key, so that a second free
 * sees it, and an allocation sees that nobody wrote there since. There are two kinds
 * of key: that of an object which is all zero, but for it, and that of any other. They
 * differ in bits of each byte of the upper half, so that no stray write makes one of
 * the other unless it writes all of that half, and then by a chance of one in 2^32.
 */
#ifndef GOMEM_KEY_H
#define GOMEM_KEY_H

#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/types.h>

/* In the upper half: gomem_free() only looks at the lower one first. */
#define GOMEM_KEY_ZERO		(0x9d3c5aa7UL << 32)

/* Set once, before the first object is handed out. */
extern unsigned long gomem_secret;

static __always_inline unsigned long gomem_objkey(const void *obj)
{
	return gomem_secret ^ (unsigned long)obj;
}

/* Is it free, and not known to be zero? Of many, who asks has @secret at hand. */
static __always_inline bool gomem_has_key_by(const void *obj, unsigned long secret)
{
	return *(const unsigned long *)obj == (secret ^ (unsigned long)obj);
}

static __always_inline bool gomem_has_key(const void *obj)
{
	return gomem_has_key_by(obj, gomem_secret);
}

/* Is it free, and zero but for the key? */
static __always_inline bool gomem_has_zero_key(const void *obj)
{
	return *(const unsigned long *)obj == (gomem_objkey(obj) ^ GOMEM_KEY_ZERO);
}

/* Has it a key of either kind? */
static __always_inline bool gomem_is_free(const void *obj)
{
	unsigned long diff = *(const unsigned long *)obj ^ gomem_objkey(obj);

	return !diff || diff == GOMEM_KEY_ZERO;
}

/*
 * The same of most that are live, at the cost of one comparison: in the lower half of
 * the word there is one kind of key. If so, it is to be looked at again; the barrier
 * keeps the compiler from loading all of it for that beforehand.
 */
static __always_inline bool gomem_looks_free(const void *obj, unsigned long key)
{
	if (likely((u32)*(const unsigned long *)obj != (u32)key))
		return false;
	barrier();
	return true;
}

static __always_inline void gomem_set_key(void *obj)
{
	*(unsigned long *)obj = gomem_objkey(obj);
}

/* Of an object that was never handed out; @zero: all of it is known to be zero. */
static __always_inline void gomem_set_fresh_key(void *obj, bool zero)
{
	*(unsigned long *)obj = gomem_objkey(obj) ^ (zero ? GOMEM_KEY_ZERO : 0);
}

#endif /* GOMEM_KEY_H */
