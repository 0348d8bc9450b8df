// SPDX-License-Identifier: GPL-2.0
/*
 * gomem_misuse_use.c - functions that call gomem with a pointer that gomem must
 * refuse.
 */
#include <linux/errno.h>
#include <linux/gomem.h>
#include <linux/string.h>

#include "gomem_misuse.h"

/**
 * use_and_check - misuse an object, which must keep its contents
 * @c: the case. c->use() is called with the address c->at bytes into the object
 * @obj: the object, or NULL if it could not be allocated
 * @size: bytes to fill and to check
 *
 * Return: 0; -ENOMEM if there is no object; -EIO if c->use() did not return
 * NULL, or if the contents changed.
 */
int use_and_check(const struct misuse_case *c, char *obj, size_t size)
{
	bool used;

	if (!obj)
		return -ENOMEM;
	memset(obj, 'x', size);
	used = c->use(obj + c->at);
	return used || memchr_inv(obj, 'x', size) ? -EIO : 0;
}

void *free_it(void *p)
{
	gomem_free(p);
	return NULL;
}

void *free_it_sensitive(void *p)
{
	gomem_free_sensitive(p);
	return NULL;
}

void *realloc_it(void *p)
{
	return gomem_realloc(p, 50, GFP_KERNEL);
}

void *size_of_it(void *p)
{
	return (void *)gomem_usable_size(p);
}

void *free_it_later(void *p)
{
	gomem_free_rcu_mightsleep(p);
	return NULL;
}

void *free_it_in_bulk(void *p)
{
	gomem_free_bulk(1, &p);
	return NULL;
}

void *put_it(void *p)
{
	gomem_scratch_put(p);
	return NULL;
}
