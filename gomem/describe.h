/* SPDX-License-Identifier: GPL-2.0 */
/*
 * describe.h - where an address lies, in words.
 */
#ifndef GOMEM_DESCRIBE_H
#define GOMEM_DESCRIBE_H

#include <linux/types.h>

struct gomem_span;

/* Room for what is said about an address, names of symbols included. */
#define GOMEM_DESCRIPTION_MAX	192

void gomem_describe(unsigned long addr, char *buf, size_t len);
const char *gomem_object_word(unsigned int class);
bool gomem_is_kernel_slab(const void *p);
const char *gomem_owner_of(const struct gomem_span *s);

#endif /* GOMEM_DESCRIBE_H */
