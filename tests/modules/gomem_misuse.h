/* SPDX-License-Identifier: GPL-2.0 */
/*
 * gomem_misuse.h - the cases of gomem_misuse.ko.
 */
#ifndef GOMEM_MISUSE_H
#define GOMEM_MISUSE_H

#include <linux/stddef.h>

/**
 * struct misuse_case - one way to misuse gomem, and what gomem must do about it
 * @name: name of the case
 * @fn: misuses gomem. Returns 0, or an error if gomem accepted the call, if the
 *	call damaged anything, or if there was no memory
 * @size: size of the object that @fn allocates; not all functions use this
 * @at: offset in the object of the pointer that @fn passes to gomem
 * @p: pointer that @fn passes to gomem, or a function that @fn calls
 * @use: calls gomem with a pointer. Returns NULL if gomem refused the call, or
 *	if the function of gomem returns nothing
 * @counter: the counter of gomem's stats that must rise by one. "" if no
 *	counter may rise; NULL if a test script checks the case by itself
 * @report: regular expression that gomem's report must match. NULL if gomem
 *	must print nothing, or if @counter is NULL
 */
struct misuse_case {
	const char *name;
	int (*fn)(const struct misuse_case *c);
	size_t size;
	size_t at;
	void *p;
	void *(*use)(void *p);
	const char *counter;
	const char *report;
};

/*
 * The table NAME_cases is in gomem_misuse_NAME.c. The last row of each table
 * has no name.
 */
extern const struct misuse_case free_cases[];
extern const struct misuse_case foreign_cases[];
extern const struct misuse_case request_cases[];
extern const struct misuse_case owner_cases[];
extern const struct misuse_case arena_cases[];
extern const struct misuse_case kernel_cases[];
extern const struct misuse_case valid_cases[];

extern int static_data;

int use_and_check(const struct misuse_case *c, char *obj, size_t size);
void *free_it(void *p);
void *free_it_sensitive(void *p);
void *realloc_it(void *p);
void *size_of_it(void *p);
void *free_it_later(void *p);
void *free_it_in_bulk(void *p);
void *put_it(void *p);
void put_kept_page(void);

#endif /* GOMEM_MISUSE_H */
