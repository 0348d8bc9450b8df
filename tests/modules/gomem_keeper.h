/* SPDX-License-Identifier: GPL-2.0 */
/*
 * gomem_keeper.h - what gomem_keeper.ko offers gomem_quitter.ko.
 */
#ifndef GOMEM_KEEPER_H
#define GOMEM_KEEPER_H

struct gomem_account;
struct gomem_cache;

#define KEEPER_OBJECTS	3

/**
 * struct keeper_gift - what quitter leaves to keeper
 * @account: an account, or NULL
 * @cache: a typed cache, or NULL
 * @object: objects, to be freed
 */
struct keeper_gift {
	struct gomem_account *account;
	struct gomem_cache *cache;
	void *object[KEEPER_OBJECTS];
};

void gomem_keeper_take(const struct keeper_gift *gift);
void gomem_keeper_count_call(void);

#endif /* GOMEM_KEEPER_H */
