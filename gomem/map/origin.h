/* SPDX-License-Identifier: GPL-2.0 */
/*
 * origin.h - who allocated a sampled object, and who freed it.
 *
 * A live object that the heap profile sampled has a special, which tells the
 * object's bucket, its age, and the task that allocated it. When the object is
 * freed, what the special told moves to an array that keeps the last
 * GOMEM_FREED_MAX frees of sampled objects. Reports and debugfs search both the
 * specials and the array for an address. All of this is best effort: most
 * objects are not sampled, and an entry of the array is soon overwritten.
 */
#ifndef GOMEM_ORIGIN_H
#define GOMEM_ORIGIN_H

#include <linux/sched.h>
#include <linux/types.h>

/*
 * Number of frees that the array keeps, and maximum number of frames of each
 * call stack there.
 */
#define GOMEM_FREED_MAX		128
#define GOMEM_FREED_DEPTH	16

struct gomem_bucket;
struct gomem_special;
struct module;

/**
 * struct gomem_doer - who did something, and when
 * @when: the value of jiffies at that time
 * @pid: process id of the task; -1 for an interrupt
 * @comm: the name of the task, or of the task that was interrupted
 */
struct gomem_doer {
	unsigned long when;
	pid_t pid;
	char comm[TASK_COMM_LEN];
};

/**
 * struct gomem_origin - what is known of a sampled object
 * @hidden: address of the object, as gomem_hide() stores it
 * @bucket: the object's bucket, which has the stack that allocated it
 * @allocated: the task or interrupt that allocated it
 * @is_freed: the object was freed
 * @freed: if @is_freed, the task or interrupt that freed it
 * @nr: if @is_freed, the number of frames of the call stack that freed it
 * @frame: return addresses of these frames, the innermost first
 */
struct gomem_origin {
	unsigned long hidden;
	const struct gomem_bucket *bucket;
	struct gomem_doer allocated;
	struct gomem_doer freed;
	bool is_freed;
	unsigned int nr;
	unsigned long frame[GOMEM_FREED_DEPTH];
};

typedef void (*gomem_origin_fn)(void *arg, const char *key, const char *text);

void gomem_origin_begin(struct gomem_special *sp);
void gomem_origin_end(const struct gomem_special *sp);
void gomem_origin_drop(const struct module *mod, bool init);
bool gomem_origin_find(unsigned long addr, struct gomem_origin *o);
bool gomem_origin_charge(unsigned long addr, struct gomem_special *sp);
void gomem_origin_site(const struct gomem_bucket *b, char *text);
void gomem_origin_print(const struct gomem_origin *o, gomem_origin_fn fn,
			void *arg);

#endif /* GOMEM_ORIGIN_H */
