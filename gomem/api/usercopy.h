/* SPDX-License-Identifier: GPL-2.0 */
/*
 * usercopy.h - limit the length of copies to and from user space.
 */
#ifndef GOMEM_USERCOPY_H
#define GOMEM_USERCOPY_H

#include <linux/types.h>

size_t gomem_usercopy_left(const void *p);
bool gomem_override_may_copy(const void *p, size_t n, bool to_user,
			     unsigned long caller);

#endif /* GOMEM_USERCOPY_H */
