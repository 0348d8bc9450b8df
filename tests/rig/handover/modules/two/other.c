// SPDX-License-Identifier: GPL-2.0
/*
 * Another module, in the directory of the module "two". A member that the
 * module itself frees, too, gets the rank "likely". scripts/handover must not
 * take the kfree() below for a call by "two": p->label in two_main.c has to get
 * the rank "certain".
 */
#include <linux/parcel.h>

static void drop(struct parcel *p)
{
	kfree(p->label);
}
