// SPDX-License-Identifier: GPL-2.0
/*
 * key.c - the secret that the keys of free objects are made with.
 */
#include <kunit/visibility.h>
#include <linux/cache.h>
#include <linux/init.h>
#include <linux/random.h>

#include "base/key.h"

unsigned long gomem_secret __ro_after_init;
EXPORT_SYMBOL_IF_KUNIT(gomem_secret);

/**
 * gomem_key_init - choose the secret, before the first object is handed out
 */
void __init gomem_key_init(void)
{
	gomem_secret = get_random_long();
}
