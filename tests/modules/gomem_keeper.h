/* SPDX-License-Identifier: GPL-2.0 */
/*
 * gomem_keeper.h - the functions of gomem_keeper.ko that gomem_quitter.ko
 * calls.
 */
#ifndef GOMEM_KEEPER_H
#define GOMEM_KEEPER_H

struct gomem_account;
struct gomem_cache;

#define KEEPER_OBJECTS	3

/**
 * struct keeper_gift - what gomem_quitter.ko passes to gomem_keeper.ko
 * @account: an account, or NULL
 * @cache: a typed cache, or NULL
 * @object: objects, which gomem_keeper.ko has to free
 */
struct keeper_gift {
	struct gomem_account *account;
	struct gomem_cache *cache;
	void *object[KEEPER_OBJECTS];
};

void gomem_keeper_take(const struct keeper_gift *gift);
void gomem_keeper_count_call(void);

#endif /* GOMEM_KEEPER_H */
