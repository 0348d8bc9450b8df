// SPDX-License-Identifier: GPL-2.0
/*
 * A typed cache of many objects of one size. Each object is constructed once,
 * not at every allocation, and objects are allocated in batches.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/gomem.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/spinlock.h>

#define NR_RECORDS	1000

struct record {
	spinlock_t lock;	/* set by the constructor */
	struct list_head link;	/* empty while the record is free */
	u64 value;
	char name[200];
};

static struct gomem_cache *cache;
static LIST_HEAD(records);

static void record_construct(void *obj)
{
	struct record *r = obj;

	spin_lock_init(&r->lock);
	INIT_LIST_HEAD(&r->link);
}

static int records_add(size_t n)
{
	void **batch = gomem_alloc_array(n, sizeof(*batch), GFP_KERNEL);
	int err = -ENOMEM;
	size_t i;

	if (!batch)
		return err;
	/* The call allocates either all @n objects or none. */
	if (gomem_cache_alloc_bulk(cache, GFP_KERNEL, n, batch) == n) {
		for (i = 0; i < n; i++)
			list_add_tail(&((struct record *)batch[i])->link,
				      &records);
		err = 0;
	}
	gomem_free(batch);
	return err;
}

static void records_free(void)
{
	struct record *r, *next;

	list_for_each_entry_safe(r, next, &records, link) {
		/* Leave the record as the constructor made it. */
		list_del_init(&r->link);
		gomem_cache_free(cache, r);
	}
}

static int __init records_init(void)
{
	static const struct gomem_cache_args args = {
		.align = 64,
		.ctor = record_construct,
	};
	int err;

	cache = gomem_cache_create("example_record", sizeof(struct record),
				   &args);
	if (!cache)
		return -ENOMEM;
	err = records_add(NR_RECORDS);
	if (err) {
		gomem_cache_destroy(cache);
		return err;
	}
	pr_info("%d records of %u bytes\n", NR_RECORDS,
		gomem_cache_size(cache));
	return 0;
}

static void __exit records_exit(void)
{
	records_free();
	gomem_cache_destroy(cache);
}

module_init(records_init);
module_exit(records_exit);

MODULE_IMPORT_NS(GOMEM_NS);
MODULE_AUTHOR("The gomem authors");
MODULE_DESCRIPTION("gomem example: typed cache");
MODULE_LICENSE("GPL");
