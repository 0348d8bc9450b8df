// SPDX-License-Identifier: GPL-2.0
/*
 * override_usercopy.c - hardened usercopy, as modules built with linux/gomem_override.h
 * call it.
 *
 * copy_to_user() and its like are inline functions, which ask __check_object_size() about
 * each length that is no constant. The kernel's function knows the bounds of slab objects.
 * It sees pages without bounds where gomem has objects.
 */
#include <kunit/visibility.h>
#include <linux/uaccess.h>

#include "override.h"
#include "report.h"
#include "usercopy.h"

/**
 * gomem_override_may_copy - check a copy to or from memory of gomem's
 * @p: the first byte, in a page of gomem's
 * @n: how many bytes, at least one
 * @to_user: the direction
 * @caller: who copies
 *
 * Context: any.
 * Return: whether user space may see all of it. If not, that was reported.
 */
bool gomem_override_may_copy(const void *p, size_t n, bool to_user, unsigned long caller)
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
void gomem_override_check_object_size(const void *p, unsigned long n, bool to_user)
{
	if (!gomem_override_owns(p)) {
		__check_object_size(p, n, to_user);
		return;
	}
	if (likely(!n || gomem_override_may_copy(p, n, to_user, _RET_IP_)))
		return;
	/*
	 * The kernel refuses a copy at NULL as it refuses one that leaves a slab object: by
	 * usercopy_abort(), which ends the task. So what becomes of the task, or of the whole
	 * machine, is as its administrator has chosen.
	 */
	__check_object_size(NULL, n, to_user);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_check_object_size, GOMEM_NS);
#endif
