#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
hotplug.py SOCKET FILE - plug memory into a machine when its guest asks for it.

SOCKET is QEMU's monitor (QMP). FILE is the output of the guest's control port,
in which these lines are requests:

    plug ID MIB [NODE]      plug in a DIMM of MIB MiB
    unplug ID               unplug it; the guest's kernel may refuse

Ends when QEMU does. QEMU's errors go to standard error.
"""

import json
import socket
import sys
import time


class Monitor:
    """A connection to QEMU's monitor, which uses JSON."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.lines = self.socket.makefile("r", encoding="utf-8")
        self.lines.readline()
        self.command("qmp_capabilities")

    def command(self, name, **arguments):
        """Run a command; ignore the events that come before its answer."""
        request = {"execute": name, "arguments": arguments}
        self.socket.sendall(json.dumps(request).encode() + b"\n")
        for line in self.lines:
            answer = json.loads(line)
            if "error" in answer:
                print("hotplug:", request, answer["error"]["desc"], file=sys.stderr)
            if "return" in answer or "error" in answer:
                return
        sys.exit()

    def plug(self, name, mebibytes, node="0"):
        self.command("object-add", id="ram-" + name, size=int(mebibytes) << 20,
                     **{"qom-type": "memory-backend-ram"})
        self.command("device_add", driver="pc-dimm", id=name, memdev="ram-" + name,
                     node=int(node))

    def unplug(self, name):
        self.command("device_del", id=name)


def main():
    monitor = Monitor(sys.argv[1])
    with open(sys.argv[2], encoding="utf-8", errors="replace") as control:
        line = ""
        while True:
            line += control.readline()
            words = line.split()
            if not line.endswith("\n"):
                time.sleep(0.1)
                # When the machine has ended, this raises an exception or exits.
                monitor.command("query-status")
                continue
            line = ""
            if words and words[0] in ("plug", "unplug"):
                getattr(monitor, words[0])(*words[1:])


try:
    main()
except (BrokenPipeError, ConnectionError):
    pass
