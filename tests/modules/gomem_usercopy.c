// SPDX-License-Identifier: GPL-2.0
/*
 * gomem_usercopy.c - let user space choose how much of an object is copied.
 *
 * This module calls kmalloc() and similar functions. It is built with
 * linux/gomem_override.h, which makes them use gomem. read() and write() of
 * /dev/gomem_usercopy copy as many bytes as user space asks for, without
 * checking. tests/kselftest/usercopy.sh checks which copies the kernel refuses.
 * The parameter case selects the object.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/gomem.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

static char *chosen = "small";
module_param_named(case, chosen, charp, 0444);
MODULE_PARM_DESC(case, "Which object is copied");

/* The part of a typed cache's objects that user space may access */
#define WINDOW_START	16
#define WINDOW_SIZE	32

static struct kmem_cache *cache;

static void *make_small(void)
{
	return kzalloc(64, GFP_KERNEL);
}

static void *make_interior(void)
{
	void *p = kzalloc(64, GFP_KERNEL);

	return p ? p + 40 : NULL;
}

static void *make_freed(void)
{
	void *p = kzalloc(64, GFP_KERNEL);

	kfree(p);
	OPTIMIZER_HIDE_VAR(p);
	return p;
}

static void *make_large(void)
{
	return kvzalloc(SZ_64K + 1, GFP_KERNEL);
}

static void *make_windowed(void)
{
	cache = kmem_cache_create_usercopy("gomem_usercopy", 100, 0, 0,
					   WINDOW_START, WINDOW_SIZE, NULL);
	return cache ? kmem_cache_zalloc(cache, GFP_KERNEL) : NULL;
}

static void *make_window(void)
{
	void *p = make_windowed();

	return p ? p + WINDOW_START : NULL;
}

/*
 * Calls that the override header redirects never allocate a tiny object, but
 * another module may pass one to this module. The header does not change the
 * call of gomem_strdup(), which stands for a call by another module.
 */
static void *make_tiny(void)
{
	return gomem_strdup("one", GFP_KERNEL);
}

static void *make_of_the_kernel(void)
{
	return kasprintf(GFP_KERNEL, "%63s", "");
}

static const struct {
	const char *name;
	void *(*make)(void);
} cases[] = {
	{ "small", make_small },
	{ "interior", make_interior },
	{ "freed", make_freed },
	{ "large", make_large },
	{ "window", make_window },
	{ "windowed", make_windowed },
	{ "tiny", make_tiny },
	{ "of_the_kernel", make_of_the_kernel },
};

static void *object;

static ssize_t usercopy_read(struct file *file, char __user *buf, size_t n,
			     loff_t *pos)
{
	return copy_to_user(buf, object, n) ? -EFAULT : n;
}

static ssize_t usercopy_write(struct file *file, const char __user *buf,
			      size_t n, loff_t *pos)
{
	return copy_from_user(object, buf, n) ? -EFAULT : n;
}

static const struct file_operations usercopy_fops = {
	.owner = THIS_MODULE,
	.open = stream_open,
	.read = usercopy_read,
	.write = usercopy_write,
};

static struct miscdevice usercopy_dev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "gomem_usercopy",
	.fops = &usercopy_fops,
};

static void free_object(void)
{
	if (!strcmp(chosen, "interior"))
		object -= 40;
	if (!strcmp(chosen, "window"))
		object -= WINDOW_START;
	if (cache)
		kmem_cache_free(cache, object);
	else if (strcmp(chosen, "freed"))
		kvfree(object);
	kmem_cache_destroy(cache);
}

static int __init gomem_usercopy_init(void)
{
	size_t i;
	int err;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		if (!strcmp(cases[i].name, chosen))
			break;
	if (i == ARRAY_SIZE(cases))
		return -EINVAL;
	object = cases[i].make();
	if (!object)
		return -ENOMEM;
	err = misc_register(&usercopy_dev);
	if (err)
		free_object();
	return err;
}

static void __exit gomem_usercopy_exit(void)
{
	misc_deregister(&usercopy_dev);
	free_object();
}

module_init(gomem_usercopy_init);
module_exit(gomem_usercopy_exit);

MODULE_INFO(test, "Y");
MODULE_DESCRIPTION("gomem: copies of any length to and from user space");
MODULE_LICENSE("GPL");
