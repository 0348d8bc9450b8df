// SPDX-License-Identifier: GPL-2.0
/*
 * devres.c - objects that are freed when the driver is unbound from its device.
 *
 * For each object the device has a small devres record, which points to the
 * object.
 */
#include <linux/device.h>
#include <linux/export.h>
#include <linux/gomem.h>

#include "map/report.h"
#include "api/alloc.h"

struct record {
	void *obj;
};

static void free_resource(struct device *dev, void *res)
{
	struct record *r = res;

	gomem_free(r->obj);
}

static int match(struct device *dev, void *res, void *obj)
{
	struct record *r = res;

	return r->obj == obj;
}

void *devm_gomem_alloc(struct device *dev, size_t size, gfp_t gfp)
{
	struct record *r;
	void *obj = gomem_alloc_for(size, gfp, _RET_IP_);

	/* The allocation failed, or @size is 0. Neither needs a record. */
	if (ZERO_OR_NULL_PTR(obj))
		return obj;
	r = devres_alloc(free_resource, sizeof(*r), gfp & ~__GFP_ZERO);
	if (!r) {
		gomem_free(obj);
		return NULL;
	}
	r->obj = obj;
	devres_add(dev, r);
	return obj;
}
EXPORT_SYMBOL_NS_GPL(devm_gomem_alloc, GOMEM_NS);

void devm_gomem_free(struct device *dev, const void *p)
{
	if (ZERO_OR_NULL_PTR(p) ||
	    !devres_release(dev, free_resource, match, (void *)p))
		return;
	/*
	 * @p is not an object of @dev. If @p is live, report which function has
	 * to free it. Otherwise gomem_freeable_size() reports @p.
	 */
	if (gomem_freeable_size(p, _RET_IP_))
		gomem_report_owner(p, _RET_IP_);
}
EXPORT_SYMBOL_NS_GPL(devm_gomem_free, GOMEM_NS);
