/* SPDX-License-Identifier: GPL-2.0 */
/*
 * key.h - how a free object is told from a live one.
 *
 * While an object is free its first word holds its key, so that a second free
 * sees it, and an allocation sees that nobody wrote there since.
 */
#ifndef GOMEM_KEY_H
#define GOMEM_KEY_H

#include <linux/compiler.h>
#include <linux/types.h>

/* Set once, before the first object is handed out. */
extern unsigned long gomem_secret;

static __always_inline unsigned long gomem_objkey(const void *obj)
{
	return gomem_secret ^ (unsigned long)obj;
}

static __always_inline bool gomem_has_key(const void *obj)
{
	return *(const unsigned long *)obj == gomem_objkey(obj);
}

static __always_inline void gomem_set_key(void *obj)
{
	*(unsigned long *)obj = gomem_objkey(obj);
}

#endif /* GOMEM_KEY_H */
