/* SPDX-License-Identifier: GPL-2.0 */
/*
 * key.h - tell free objects from live ones.
 *
 * From its free to its next allocation, one word of an object holds a key:
 * gomem_secret XOR the address of that word. The word is the first one of the
 * object. In a typed cache whose free objects keep their contents, it is the
 * word after the object. (The @obj of the functions here is the address of that
 * word.)
 * A second free finds the key and is refused. An allocation of a reused object
 * that does not find the key knows that somebody wrote to the free object.
 *
 * The key says nothing about the other words of the object: a stray write may
 * have changed them. So an object that has to be zero is cleared when it is
 * allocated, even if its free cleared it before.
 */
#ifndef GOMEM_KEY_H
#define GOMEM_KEY_H

#include <linux/compiler.h>
#include <linux/types.h>

/* Random; set once, by gomem_key_init(). */
extern unsigned long gomem_secret;

void gomem_key_init(void);

static __always_inline unsigned long gomem_objkey(const void *obj)
{
	return gomem_secret ^ (unsigned long)obj;
}

/*
 * Does @obj hold its key? Loops pass @secret in, so that it is not reloaded for
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

static __always_inline void gomem_set_key(void *obj)
{
	*(unsigned long *)obj = gomem_objkey(obj);
}

#endif /* GOMEM_KEY_H */
