// SPDX-License-Identifier: GPL-2.0
/*
 * override_usercopy.c - hardened usercopy for modules built with
 * linux/gomem_override.h.
 *
 * copy_to_user() and similar functions are inline. They call
 * __check_object_size() for each length that is not a constant. The kernel's
 * version of that function knows the bounds of slab objects. But it takes
 * gomem's objects for plain pages, whose bounds it does not check. So gomem
 * checks its own objects.
 */
#include <kunit/visibility.h>
#include <linux/uaccess.h>

#include "map/report.h"
#include "api/usercopy.h"
#include "override/override.h"

/**
 * gomem_override_may_copy - check a copy to or from gomem's memory
 * @p: the first byte, in a gomem page
 * @n: number of bytes, at least one
 * @to_user: true if the copy is to user space
 * @caller: caller to name in the report
 *
 * Context: any.
 * Return: true if all bytes may be copied; else false, with a report.
 */
bool gomem_override_may_copy(const void *p, size_t n, bool to_user,
			     unsigned long caller)
{
	size_t left = gomem_usercopy_left(p);

	if (likely(n <= left))
		return true;
	gomem_report_usercopy(p, n, left, to_user, caller);
	return false;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_override_may_copy);

#ifdef CONFIG_HARDENED_USERCOPY
typeof(__check_object_size) gomem_override_check_object_size;
void gomem_override_check_object_size(const void *p, unsigned long n,
				      bool to_user)
{
	if (!gomem_override_owns(p)) {
		__check_object_size(p, n, to_user);
		return;
	}
	if (likely(!n || gomem_override_may_copy(p, n, to_user, _RET_IP_)))
		return;
	/*
	 * The kernel refuses a copy to or from NULL in the same way as a copy
	 * that leaves a slab object: by usercopy_abort(), whose BUG() ends the
	 * task. So the administrator's settings, such as panic_on_oops and
	 * hardened_usercopy, have the same effect as for a slab object.
	 */
	__check_object_size(NULL, n, to_user);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_check_object_size, GOMEM_NS);
#endif
