/* SPDX-License-Identifier: GPL-2.0 */
/*
 * key.h - tell free objects from live ones.
 *
 * While an object is free, one word of it holds a key: gomem_secret XOR the
 * address of that word. It is the object's first word, or a word behind the
 * object in a typed cache whose free objects keep their contents. (The @obj of
 * the functions here is the address of that word.) A second free finds the key
 * and is refused. An allocation that does not find the key knows that somebody
 * wrote to the object after it was freed.
 *
 * There are two kinds of key. The *usual key* says nothing about the other
 * words of the object. The *zero key*, which is also XORed with GOMEM_KEY_ZERO,
 * means that all of them are zero. The two kinds differ in each byte of the
 * upper half of the word. So a stray write turns one into the other only if it
 * overwrites all of that half, and then with a probability of 2^-32.
 */
#ifndef GOMEM_KEY_H
#define GOMEM_KEY_H

#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/types.h>

/*
 * The difference between the two kinds of key. It is in the upper half of the
 * word: the free path compares only the lower half at first.
 */
#define GOMEM_KEY_ZERO		(0x9d3c5aa7UL << 32)

/* Random; set once, by gomem_key_init(). */
extern unsigned long gomem_secret;

void gomem_key_init(void);

static __always_inline unsigned long gomem_objkey(const void *obj)
{
	return gomem_secret ^ (unsigned long)obj;
}

/*
 * Has @obj the usual key? Loops pass @secret in, so that it is not reloaded for
 * each object.
 */
static __always_inline bool gomem_has_key_by(const void *obj,
					     unsigned long secret)
{
	return *(const unsigned long *)obj == (secret ^ (unsigned long)obj);
}

static __always_inline bool gomem_has_key(const void *obj)
{
	return gomem_has_key_by(obj, gomem_secret);
}

/* Has @obj the zero key? */
static __always_inline bool gomem_has_zero_key(const void *obj)
{
	return *(const unsigned long *)obj ==
	       (gomem_objkey(obj) ^ GOMEM_KEY_ZERO);
}

/* Has @obj a key of either kind? */
static __always_inline bool gomem_is_free(const void *obj)
{
	unsigned long diff = *(const unsigned long *)obj ^ gomem_objkey(obj);

	return !diff || diff == GOMEM_KEY_ZERO;
}

/*
 * May @obj have a key of either kind? @key is its usual key. Both kinds have
 * the same lower half, so one comparison of that half rules out most live
 * objects. If the answer is true, the caller has to check with gomem_is_free().
 * The barrier keeps the compiler from loading the whole word for that check
 * before the comparison.
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

/*
 * Give a key to an object that was never allocated. @zero: all of it is known
 * to be zero.
 */
static __always_inline void gomem_set_fresh_key(void *obj, bool zero)
{
	*(unsigned long *)obj = gomem_objkey(obj) ^ (zero ? GOMEM_KEY_ZERO : 0);
}

#endif /* GOMEM_KEY_H */
