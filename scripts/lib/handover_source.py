# SPDX-License-Identifier: GPL-2.0
"""handover_source.py DIRECTORY <TAR - keep the sources that handover.py reads.

That is a fifth of a kernel's source: headers in include/, makefiles, files that
export a symbol, and all files of the core. In the core, an exported function and
the code that frees its argument may be in different files.
"""

import pathlib
import re
import sys
import tarfile

CORE = re.compile(r"(arch/x86/|block/|crypto/|fs/[^/]*$|init/|io_uring/|ipc/|kernel/|lib/|mm/"
                  r"|net/|security/|drivers/(base|dma-buf|input|tty)/|virt/)")
OTHER = re.compile(r"(drivers|fs|sound|certs)/")


def kept(name, read):
    """Is a file needed? Read its text only if the name does not tell."""
    if name.startswith("include/"):
        return name.endswith(".h") and not name.startswith("include/dt-bindings/")
    core = CORE.match(name)
    if not core and not OTHER.match(name):
        return False
    if pathlib.PurePath(name).name in ("Makefile", "Kbuild"):
        return True
    if core:
        return name.endswith((".c", ".h"))
    return name.endswith(".c") and b"EXPORT_SYMBOL" in read()


def main():
    """Read the archive once, from beginning to end."""
    top = pathlib.Path(sys.argv[1])
    with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as archive:
        for member in archive:
            name = member.name.partition("/")[2]
            if not member.isfile() or ".." in name.split("/"):
                continue
            text = b""

            def read():
                nonlocal text
                text = text or archive.extractfile(member).read()
                return text

            if kept(name, read):
                path = top / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(read())


main()
