// SPDX-License-Identifier: GPL-2.0
/*
 * Two examples. A mempool keeps a reserve of elements, which gomem allocates,
 * for times when memory is short. And a local variable points to memory that is
 * freed on each return from its function.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/gomem.h>
#include <linux/mempool.h>
#include <linux/module.h>
#include <linux/string.h>

#define REQUEST_SIZE	700
#define RESERVED	16

static mempool_t *pool;

/*
 * Never returns NULL: if needed, it waits until another caller frees an
 * element.
 */
static void *request_get(void)
{
	return mempool_alloc(pool, GFP_NOIO);
}

static void request_put(void *request)
{
	mempool_free(request, pool);
}

#ifdef DEFINE_FREE
static int checksum(const void *data, size_t len, u32 *sum)
{
	u8 *copy __free(gomem) = gomem_memdup(data, len, GFP_KERNEL);
	size_t i;

	if (!copy)
		return -ENOMEM;
	*sum = 0;
	for (i = 0; i < len; i++) {
		if (copy[i] > 127)
			return -EINVAL;
		*sum += copy[i];
	}
	return 0;
}
#else
static int checksum(const void *data, size_t len, u32 *sum)
{
	u8 *copy = gomem_memdup(data, len, GFP_KERNEL);
	int err = 0;
	size_t i;

	if (!copy)
		return -ENOMEM;
	*sum = 0;
	for (i = 0; i < len && !err; i++) {
		if (copy[i] > 127)
			err = -EINVAL;
		*sum += copy[i];
	}
	gomem_free(copy);
	return err;
}
#endif

static int __init reserve_init(void)
{
	void *request;
	u32 sum;
	int err;

	pool = mempool_create(RESERVED, gomem_mempool_alloc, gomem_mempool_free,
			      (void *)REQUEST_SIZE);
	if (!pool)
		return -ENOMEM;
	request = request_get();
	memset(request, 1, REQUEST_SIZE);
	err = checksum(request, REQUEST_SIZE, &sum);
	request_put(request);
	if (err) {
		mempool_destroy(pool);
		return err;
	}
	pr_info("%d requests reserved, sum %u\n", RESERVED, sum);
	return 0;
}

static void __exit reserve_exit(void)
{
	mempool_destroy(pool);
}

module_init(reserve_init);
module_exit(reserve_exit);

MODULE_IMPORT_NS(GOMEM_NS);
MODULE_AUTHOR("The gomem authors");
MODULE_DESCRIPTION("gomem example: mempool and scoped cleanup");
MODULE_LICENSE("GPL");
