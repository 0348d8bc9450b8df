// SPDX-License-Identifier: GPL-2.0
/*
 * devres.c - objects that are freed when their device loses its driver.
 *
 * The device has a small record of the driver core's for each of them.
 */
#include <linux/device.h>
#include <linux/export.h>
#include <linux/gomem.h>

#include "alloc.h"
#include "report.h"

struct record {
	void *obj;
};

static void release(struct device *dev, void *res)
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

	/* There is nothing to free then. */
	if (ZERO_OR_NULL_PTR(obj))
		return obj;
	r = devres_alloc(release, sizeof(*r), gfp & ~__GFP_ZERO);
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
	if (ZERO_OR_NULL_PTR(p) || !devres_release(dev, release, match, (void *)p))
		return;
	/* No object of the device's: it may be somebody else's. */
	if (gomem_check_object(p, _RET_IP_))
		gomem_report_owner(p, _RET_IP_);
}
EXPORT_SYMBOL_NS_GPL(devm_gomem_free, GOMEM_NS);
