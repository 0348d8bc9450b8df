/* SPDX-License-Identifier: GPL-2.0 */
/*
 * report.h - report misuse of gomem. The callers pass what they found, and
 * report.c and report_left.c print it.
 */
#ifndef GOMEM_REPORT_H
#define GOMEM_REPORT_H

#include <linux/gfp.h>
#include <linux/types.h>

struct gomem_kind;
struct gomem_span;
struct gomem_special;
struct module;

enum gomem_misuse {
	GOMEM_DOUBLE_FREE,
	GOMEM_INTERIOR_POINTER,
	GOMEM_FOREIGN_POINTER,
	GOMEM_WRITE_AFTER_FREE,
	GOMEM_USE_AFTER_FREE,
	GOMEM_SIZE_OVERFLOW,
	GOMEM_SIZE_TOO_LARGE,
	GOMEM_BAD_GFP,
	GOMEM_BAD_NODE,
	GOMEM_BAD_ORDER,
	GOMEM_WRONG_FUNCTION,
	GOMEM_BAD_ARENA,
	GOMEM_ARENA_WRITE,
	GOMEM_BAD_CACHE,
	GOMEM_BAD_CACHE_ARGS,
	GOMEM_CACHE_LEFT,
	GOMEM_IN_NMI,
	GOMEM_KFREE,
	GOMEM_BAD_USERCOPY,
	GOMEM_BAD_ACCOUNT,
	GOMEM_ACCOUNT_LEFT,
	GOMEM_CLEANUP_LEFT,
	GOMEM_CTOR_LEFT,
	GOMEM_NR_MISUSES,
};

extern const char * const gomem_misuse_names[GOMEM_NR_MISUSES];

u64 gomem_misuse_count(enum gomem_misuse what);
void gomem_count_misuses(enum gomem_misuse what, unsigned long n);
bool gomem_report_begin(enum gomem_misuse what);

void gomem_report_pointer(enum gomem_misuse what, const void *p,
			  unsigned long caller);
void gomem_report_no_object(enum gomem_misuse if_ours, const void *p,
			    unsigned long caller);
void gomem_report_owner(const void *p, unsigned long caller);
void gomem_report_keeps(const void *p, unsigned long caller);
void gomem_report_broken_list(const void *head, unsigned long lost);
void gomem_report_late_double_free(const struct gomem_kind *kind,
				   unsigned int n);
void gomem_report_request(enum gomem_misuse what, size_t size, gfp_t gfp,
			  unsigned long caller);
void gomem_report_overflow(size_t n, size_t size, gfp_t gfp,
			   unsigned long caller);
void gomem_report_node(int node, unsigned long caller);
void gomem_report_order(unsigned int order, unsigned long caller);
void gomem_report_arena(const void *arena, bool destroyed,
			unsigned long caller);
void gomem_report_arena_write(const struct gomem_span *s, const void *first,
			      size_t bytes);
void gomem_report_leaked_arena(const void *arena, unsigned long bytes);
void gomem_report_leaked_arenas(unsigned long n, unsigned long bytes);
void gomem_report_cache(const void *cache, unsigned long caller);
void gomem_report_cache_args(const char *name, unsigned int size,
			     unsigned int align, unsigned long caller);
void gomem_report_cache_left(const struct gomem_kind *k, unsigned long objects,
			     unsigned long pages, unsigned long kfreed,
			     unsigned long caller);
void gomem_report_leaked_cache(const struct gomem_kind *k);
void gomem_report_account(const void *account, const char *closed,
			  unsigned long caller);
void gomem_report_no_ctor(const struct gomem_kind *k, unsigned long caller);
void gomem_report_nmi(unsigned long caller);
void gomem_report_usercopy(const void *p, size_t n, size_t left, bool to_user,
			   unsigned long caller);
void gomem_report_kfree(const void *page, unsigned int n);
void gomem_report_kfrees(unsigned int class, unsigned long n);
void gomem_report_probed_kfree(const void *p, unsigned long caller);

/* report_left.c */
void gomem_report_account_left(const char *name, const struct module *mod,
			       u64 objects, u64 bytes);
void gomem_report_cleanups_left(const struct gomem_special *sp,
				const struct module *mod, unsigned long n);
void gomem_report_ctor_left(const struct gomem_kind *k,
			    const struct module *mod, unsigned long objects);

#endif /* GOMEM_REPORT_H */
