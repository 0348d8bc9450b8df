/* SPDX-License-Identifier: GPL-2.0 */
/*
 * describe.h - say in words where an address lies.
 */
#ifndef GOMEM_DESCRIBE_H
#define GOMEM_DESCRIBE_H

#include <linux/types.h>

struct gomem_span;
struct kmem_cache;

/*
 * Size of a buffer for gomem_describe(). All texts fit, except those with the
 * name of a symbol that has more than about 100 bytes.
 */
#define GOMEM_DESCRIPTION_MAX	192

/* Size of a buffer for gomem_describe_kfreed(). */
#define GOMEM_KFREED_MAX	80

/*
 * In place of a number of calls of kfree() for objects of gomem: no call was
 * found, but there may have been calls that left no trace. See
 * gomem_kfrees_hidden().
 */
#define GOMEM_KFREES_UNKNOWN	ULONG_MAX

void gomem_describe(unsigned long addr, char *buf, size_t len);
void gomem_describe_kfreed(unsigned long n, char *buf, size_t len);
const char *gomem_object_word(unsigned int class);
bool gomem_is_kernel_slab(const void *p);
const char *gomem_free_function(const struct gomem_span *s);
bool gomem_is_kernel_object(const struct kmem_cache *s, const void *p);

#endif /* GOMEM_DESCRIBE_H */
