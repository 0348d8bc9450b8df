// SPDX-License-Identifier: GPL-2.0
/*
 * The smallest client: allocate one string, measure it and free it.
 */
#include <linux/gomem.h>
#include <linux/module.h>

static char *text;

static int __init hello_init(void)
{
	text = gomem_strdup("hello from gomem", GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	pr_info("%s, in %zu bytes\n", text, gomem_usable_size(text));
	return 0;
}

static void __exit hello_exit(void)
{
	gomem_free(text);
}

module_init(hello_init);
module_exit(hello_exit);

MODULE_IMPORT_NS(GOMEM_NS);
MODULE_AUTHOR("The gomem authors");
MODULE_DESCRIPTION("gomem example: hello");
MODULE_LICENSE("GPL");
