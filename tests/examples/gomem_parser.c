// SPDX-License-Identifier: GPL-2.0
/*
 * Temporary memory that is freed as a whole: a parser's objects are in an
 * arena, its text is in a scratch buffer.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ctype.h>
#include <linux/gomem.h>
#include <linux/module.h>
#include <linux/string.h>

struct word {
	struct word *next;
	size_t len;
	char text[];
};

static struct word *parse(struct gomem_arena *arena, const char *text)
{
	struct word *first = NULL, **link = &first, *w;
	size_t len;

	for (; *text; text += len) {
		for (len = 0; isalnum(text[len]); len++)
			;
		if (!len) {
			len = 1;
			continue;
		}
		w = gomem_arena_alloc(arena, struct_size(w, text, len + 1),
				      GFP_KERNEL);
		if (!w)
			return NULL;
		w->next = NULL;
		w->len = len;
		memcpy(w->text, text, len);
		w->text[len] = 0;
		*link = w;
		link = &w->next;
	}
	return first;
}

static int __init parser_init(void)
{
	struct gomem_arena *arena = gomem_arena_create(GFP_KERNEL);
	char *text = gomem_scratch_get(0, GFP_KERNEL);
	unsigned int words = 0, longest = 0;
	struct word *w;
	int i;

	if (!arena || !text)
		goto out;
	for (i = 0; i < 100; i++)
		strscpy(text + 17 * i, "one two three... ", 18);
	for (w = parse(arena, text); w; w = w->next) {
		words++;
		longest = max_t(unsigned int, longest, w->len);
	}
	pr_info("%u words, the longest of %u letters\n", words, longest);
out:
	gomem_scratch_put(text);
	gomem_arena_destroy(arena);	/* frees all words */
	return words ? 0 : -ENOMEM;
}

static void __exit parser_exit(void)
{
}

module_init(parser_init);
module_exit(parser_exit);

MODULE_IMPORT_NS(GOMEM_NS);
MODULE_AUTHOR("The gomem authors");
MODULE_DESCRIPTION("gomem example: arena and scratch buffer");
MODULE_LICENSE("GPL");
