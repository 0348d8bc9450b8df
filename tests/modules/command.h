/* SPDX-License-Identifier: GPL-2.0 */
/*
 * command.h - the parameter cmd of a test module. Each write runs a command.
 * The write returns when the command has ended, and returns the command's
 * error.
 *
 * Only the main file of a module includes this file, and defines command(). The
 * module's parameter lock serializes commands, and protects the flag "ready".
 */
#ifndef GOMEM_TEST_COMMAND_H
#define GOMEM_TEST_COMMAND_H

#include <linux/errno.h>
#include <linux/moduleparam.h>
#include <linux/string.h>
#include <linux/types.h>

static int command(char *line);

static bool ready;

static int cmd_set(const char *val, const struct kernel_param *kp)
{
	char line[64];

	/*
	 * Refuse commands before the module's init has ended (cmd may be an
	 * argument of insmod), and after its exit has begun.
	 */
	if (!ready)
		return -EAGAIN;
	if (strscpy(line, val, sizeof(line)) < 0)
		return -EINVAL;
	return command(line);
}

static const struct kernel_param_ops cmd_ops = { .set = cmd_set };
module_param_cb(cmd, &cmd_ops, NULL, 0200);
MODULE_PARM_DESC(cmd, "What to do now; the module's head lists the commands");

static void set_ready(bool on)
{
	kernel_param_lock(THIS_MODULE);
	ready = on;
	kernel_param_unlock(THIS_MODULE);
}

#endif /* GOMEM_TEST_COMMAND_H */
