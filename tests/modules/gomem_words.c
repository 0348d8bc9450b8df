// SPDX-License-Identifier: GPL-2.0
/*
 * gomem_words.c - allocate a million short strings, to see how much memory they
 * take.
 *
 * A script writes commands to the parameter cmd. The write returns when the
 * command has ended, and returns the command's error.
 *
 *	fill MIX	allocate a string for each empty place of the index;
 *			with gomem, strings are noscan. MIX is
 *				1 ... 64	that many bytes, with the NUL
 *				uniform		1 to 15 bytes, with the NUL
 *				words		as long as English words
 *	free N		for each string: with probability N percent, verify it
 *			and then free it
 *	churn MIX	replace the string of a random place, as many times as
 *			there are places
 *
 * The module does not report the memory held for the strings. The script
 * compares the machine's free pages, which works for all allocators alike. The
 * index is an array of pointers to the strings. It takes 8 bytes for each
 * place, from vzalloc(), from load to unload.
 */
#define pr_fmt(fmt) "gomem_words: " fmt

#include <linux/gomem.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "command.h"

static char *allocator = "gomem";
module_param(allocator, charp, 0444);
MODULE_PARM_DESC(allocator,
		 "Where strings come from: gomem (default) or kmalloc");

static unsigned int places = 1000000;
module_param(places, uint, 0444);
MODULE_PARM_DESC(places, "How many strings there can be (default 1000000)");

static unsigned long seed = 1;
module_param(seed, ulong, 0444);
MODULE_PARM_DESC(seed, "Makes the lengths and the random order (default 1)");

static bool from_kmalloc;
static char **strings;
static struct rnd_state rnd;

/*
 * word_weights[i] of 10 000 words take i + 2 bytes, the NUL included. They were
 * counted in the texts of some licences. The average is 5.9 bytes.
 */
static const u16 word_weights[] = {
	313, 1832, 1941, 1454, 765, 729, 1064, 668, 424, 369, 225, 108, 82, 11,
	9, 5, 1,
};

enum { UNIFORM = 0, WORDS = -1 };

static u32 below(u32 limit)
{
	return ((u64)prandom_u32_state(&rnd) * limit) >> 32;
}

static unsigned int random_size(int mix)
{
	unsigned int i;
	u32 r;

	if (mix > 0)
		return mix;
	if (mix == UNIFORM)
		return 1 + below(15);
	r = below(10000);
	for (i = 0; i < ARRAY_SIZE(word_weights) - 1 && r >= word_weights[i];
	     i++)
		r -= word_weights[i];
	return 2 + i;
}

/*
 * Return the letter that fills the string at @place. If two strings overlap,
 * one of them is damaged, unless both have the same letter.
 */
static char letter(unsigned int place)
{
	return 'a' + place % 26;
}

static int make(unsigned int place, int mix)
{
	unsigned int size = random_size(mix);
	char *p = from_kmalloc ? kmalloc(size, GFP_KERNEL) :
				 gomem_alloc_noscan(size, GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	memset(p, letter(place), size - 1);
	p[size - 1] = 0;
	strings[place] = p;
	return 0;
}

static int unmake(unsigned int place)
{
	char *p = strings[place], want[2] = { letter(place), 0 };
	int err = 0;

	if (!p)
		return 0;
	if (strspn(p, want) != strlen(p)) {
		pr_err("string %u is damaged\n", place);
		err = -EIO;
	}
	if (from_kmalloc)
		kfree(p);
	else
		gomem_free(p);
	strings[place] = NULL;
	return err;
}

static int fill(int mix)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < places && !err; i++) {
		if (!strings[i])
			err = make(i, mix);
		if (i % 1024 == 0)
			cond_resched();
	}
	return err;
}

static int free_some(unsigned int percent)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < places; i++) {
		if (below(100) < percent)
			err = unmake(i) ?: err;
		if (i % 1024 == 0)
			cond_resched();
	}
	return err;
}

static int churn(int mix)
{
	unsigned int i, place;
	int err = 0;

	for (i = 0; i < places && !err; i++) {
		place = below(places);
		err = unmake(place) ?: make(place, mix);
		if (i % 1024 == 0)
			cond_resched();
	}
	return err;
}

static int parse_mix(const char *word, int *mix)
{
	if (!strcmp(word, "uniform"))
		*mix = UNIFORM;
	else if (!strcmp(word, "words"))
		*mix = WORDS;
	else if (kstrtoint(word, 10, mix) || *mix < 1 || *mix > 64)
		return -EINVAL;
	return 0;
}

static int command(char *line)
{
	char *rest = strim(line);
	char *word = strsep(&rest, " ");
	unsigned int percent;
	int mix;

	if (!rest)
		return -EINVAL;
	if (!strcmp(word, "free"))
		return kstrtouint(rest, 10, &percent) ?: free_some(percent);
	if (!strcmp(word, "fill"))
		return parse_mix(rest, &mix) ?: fill(mix);
	if (!strcmp(word, "churn"))
		return parse_mix(rest, &mix) ?: churn(mix);
	return -EINVAL;
}

static int __init gomem_words_init(void)
{
	from_kmalloc = !strcmp(allocator, "kmalloc");
	if (!from_kmalloc && strcmp(allocator, "gomem")) {
		pr_err("allocator must be gomem or kmalloc\n");
		return -EINVAL;
	}
	strings = vzalloc(array_size(places, sizeof(*strings)));
	if (!strings)
		return -ENOMEM;
	prandom_seed_state(&rnd, seed);
	set_ready(true);
	return 0;
}

static void __exit gomem_words_exit(void)
{
	set_ready(false);
	free_some(100);
	vfree(strings);
}

module_init(gomem_words_init);
module_exit(gomem_words_exit);

MODULE_IMPORT_NS(GOMEM_NS);
MODULE_INFO(test, "Y");
MODULE_DESCRIPTION("gomem: a million short strings");
MODULE_LICENSE("GPL");
