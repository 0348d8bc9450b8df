// SPDX-License-Identifier: GPL-2.0
/*
 * Another module, in the directory of the module "two". scripts/handover must
 * not take the kfree() below for one of "two": then p->label in two_main.c
 * would get the rank "likely" instead of "certain".
 */
#include <linux/parcel.h>

static void drop(struct parcel *p)
{
	kfree(p->label);
}
