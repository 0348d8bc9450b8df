// SPDX-License-Identifier: GPL-2.0
/*
 * gomem_mixed.c - a client of which one function keeps objects of many sizes,
 * and another one objects of one size.
 *
 * mixes_sizes() keeps objects of nine sizes: 32, 64, ... 8192 bytes. The
 * parameter kib says how many KiB of each size it keeps. one_size() keeps
 * 3 * kib KiB, in objects of 192 bytes. So mixes_sizes() keeps three times as
 * many bytes as one_size(), but fewer of each size. The module's exit frees all
 * objects. With leak=1 it does not free the last object of each size that
 * mixes_sizes() allocated.
 */
#define pr_fmt(fmt) "gomem_mixed: " fmt

#include <linux/compiler.h>
#include <linux/gomem.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/sizes.h>

#define KIB_MAX		4096U
#define SMALLEST	32U
#define SIZES		9
#define SINGLE		192U

static unsigned int kib = 64;
module_param(kib, uint, 0444);
MODULE_PARM_DESC(kib,
		 "KiB of each size that mixes_sizes() keeps, 8 to 4096 (default 64)");

static bool leak;
module_param(leak, bool, 0444);
MODULE_PARM_DESC(leak, "Do not free one object of each size (default N)");

/* Lists of objects: the first word of each object points to the next object. */
static void *mixed[SIZES], *single;

static bool push(void **list, void *p)
{
	if (!p)
		return false;
	*(void **)p = *list;
	*list = p;
	return true;
}

static void free_list(void *p)
{
	void *next;

	for (; p; p = next) {
		next = *(void **)p;
		gomem_free(p);
	}
}

static noinline bool mixes_sizes(void)
{
	unsigned int i, n, size, sizes = SIZES;

	/*
	 * Do not let the compiler unroll the loop: each copy of the call would
	 * be a call stack, and a row of the file leaks, of its own.
	 */
	OPTIMIZER_HIDE_VAR(sizes);
	for (i = 0; i < sizes; i++) {
		size = SMALLEST << i;
		for (n = kib * SZ_1K / size; n; n--)
			if (!push(&mixed[i], gomem_alloc(size, GFP_KERNEL)))
				return false;
	}
	return true;
}

static noinline bool one_size(void)
{
	unsigned int n;

	for (n = 3 * kib * SZ_1K / SINGLE; n; n--)
		if (!push(&single, gomem_alloc(SINGLE, GFP_KERNEL)))
			return false;
	return true;
}

static void free_all(void)
{
	unsigned int i;

	for (i = 0; i < SIZES; i++)
		free_list(mixed[i]);
	free_list(single);
}

static int __init gomem_mixed_init(void)
{
	kib = clamp(kib, 8U, KIB_MAX);
	if (mixes_sizes() && one_size())
		return 0;
	free_all();
	return -ENOMEM;
}

static void __exit gomem_mixed_exit(void)
{
	unsigned int i;

	for (i = 0; leak && i < SIZES; i++)
		mixed[i] = *(void **)mixed[i];
	free_all();
}

module_init(gomem_mixed_init);
module_exit(gomem_mixed_exit);

MODULE_DESCRIPTION("Client whose function with most memory has many sizes");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(GOMEM_NS);
