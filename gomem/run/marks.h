/* SPDX-License-Identifier: GPL-2.0 */
/*
 * marks.h - mark objects that something points to.
 *
 * A set of marks begins with all objects that are live: these are the
 * *candidates*. A round marks the candidates that some memory points to. The
 * memory is what the caller passes, and then the contents of each candidate
 * that was marked and may have pointers. At the end of the round only the
 * candidates without a mark are left for the next round. A candidate is also
 * dropped when it was freed, or when its contents have changed since the last
 * round: then some code has a pointer to it.
 *
 * All words are taken for pointers (*conservative* marking). A pointer to any
 * byte of an object marks it. So does a pointer to the struct page of a kernel
 * page in which the object lies: always if the object has at least the size of
 * a kernel page. A smaller object is marked if a half of the word after the
 * pointer is the offset of a byte of the object in the kernel page. It is also
 * marked if that word is not known: if the pointer is the last of the words
 * that a call of gomem_marks_words() gets.
 *
 * Live objects that are not candidates are in use: they were allocated after
 * the set was made, an earlier round has marked them, or their contents have
 * changed. So in each round, gomem_marks_newer() follows the pointers in these
 * objects, too. A candidate may have been freed, and a new object may be in its
 * place, even after the pointers of the candidate were followed. So
 * gomem_marks_newer() also follows the pointers in candidates that are marked,
 * and in those whose contents have changed.
 *
 * Objects may be allocated and freed while a set exists. The set remembers how
 * each span was cut into objects when the set was made. If a span is gone, or
 * another span has its place, its objects are no longer candidates.
 */
#ifndef GOMEM_MARKS_H
#define GOMEM_MARKS_H

#include <linux/types.h>

struct gomem_marks;
struct gomem_marks_span;

/**
 * struct gomem_marks_counts - numbers of objects in a set of marks
 * @live: objects that were live when the set was made
 * @candidates: objects that are candidates now
 */
struct gomem_marks_counts {
	unsigned long live;
	unsigned long candidates;
};

/*
 * gomem_marks_each() calls a function of this type for each candidate. If the
 * function returns an error, the calls end.
 */
typedef int (*gomem_marks_fn)(unsigned long addr, u32 size, void *arg);

struct gomem_marks *gomem_marks_create(void);
void gomem_marks_destroy(struct gomem_marks *m);
void gomem_marks_begin(struct gomem_marks *m);
void gomem_marks_words(struct gomem_marks *m, const unsigned long *word,
		       unsigned int n);
void gomem_marks_reading(struct gomem_marks *m, unsigned long addr);
bool gomem_marks_watch(struct gomem_marks *m, unsigned long addr);
bool gomem_marks_holder(const struct gomem_marks *m, unsigned long *holder);
int gomem_marks_follow(struct gomem_marks *m);
int gomem_marks_newer(struct gomem_marks *m);
int gomem_marks_end(struct gomem_marks *m);
bool gomem_marks_candidate(const struct gomem_marks *m, unsigned long addr);
void gomem_marks_count(const struct gomem_marks *m,
		       struct gomem_marks_counts *n);
int gomem_marks_each(struct gomem_marks *m, gomem_marks_fn fn, void *arg);

#endif /* GOMEM_MARKS_H */
