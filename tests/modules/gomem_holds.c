// SPDX-License-Identifier: GPL-2.0
/*
 * gomem_holds.c - a client that keeps and loses objects, which gomem's heap
 * profile has to show.
 *
 * holds_much() keeps as many MiB as the parameter mib says, in objects of 256
 * bytes. holds_little() keeps 1 MiB in objects of 1024 bytes. leaks_some()
 * allocates as many objects of 96 bytes as the parameter turns says. It frees
 * them at once, except for one of every thousand. The module's exit frees all
 * objects that are left. With leak=1 it does not free those of leaks_some().
 */
#define pr_fmt(fmt) "gomem_holds: " fmt

#include <linux/gomem.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/sched.h>

#define MUCH_MAX	50U
#define MUCH_A_MIB	4096
#define LITTLE		1024
#define TURNS_MAX	100000U
#define LOST_MAX	(TURNS_MAX / 1000)

static unsigned int mib = MUCH_MAX;
module_param(mib, uint, 0444);
MODULE_PARM_DESC(mib, "MiB that holds_much() keeps, up to 50 (default 50)");

static unsigned int turns = TURNS_MAX;
module_param(turns, uint, 0444);
MODULE_PARM_DESC(turns,
		 "Objects that leaks_some() allocates, up to 100000 (default 100000)");

static bool leak;
module_param(leak, bool, 0444);
MODULE_PARM_DESC(leak, "Do not free what leaks_some() lost (default N)");

static void *much[MUCH_MAX * MUCH_A_MIB], *little[LITTLE], *lost[LOST_MAX];

static noinline bool holds_much(void)
{
	unsigned int i;

	for (i = 0; i < mib * MUCH_A_MIB; i++) {
		much[i] = gomem_alloc(256, GFP_KERNEL);
		if (!much[i])
			return false;
	}
	return true;
}

static noinline bool holds_little(void)
{
	unsigned int i;

	for (i = 0; i < LITTLE; i++) {
		little[i] = gomem_alloc(1024, GFP_KERNEL);
		if (!little[i])
			return false;
	}
	return true;
}

static noinline bool leaks_some(void)
{
	unsigned int i;
	void *p;

	for (i = 0; i < turns; i++) {
		p = gomem_alloc(96, GFP_KERNEL);
		if (!p)
			return false;
		if (i % 1000)
			gomem_free(p);
		else
			lost[i / 1000] = p;
	}
	return true;
}

static void free_all(void **p, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		gomem_free(p[i]);
}

static int __init gomem_holds_init(void)
{
	mib = min(mib, MUCH_MAX);
	turns = min(turns, TURNS_MAX);
	if (holds_much() && holds_little() && leaks_some())
		return 0;
	free_all(much, ARRAY_SIZE(much));
	free_all(little, ARRAY_SIZE(little));
	free_all(lost, ARRAY_SIZE(lost));
	return -ENOMEM;
}

static void __exit gomem_holds_exit(void)
{
	free_all(much, ARRAY_SIZE(much));
	free_all(little, ARRAY_SIZE(little));
	if (!leak)
		free_all(lost, ARRAY_SIZE(lost));
}

module_init(gomem_holds_init);
module_exit(gomem_holds_exit);

MODULE_DESCRIPTION("Client that holds and loses memory of gomem");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(GOMEM_NS);
