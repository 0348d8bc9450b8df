# SPDX-License-Identifier: GPL-2.0
"""compile_commands.py BUILD KDIR - print the commands that compiled BUILD, for clangd.

BUILD is a directory that kbuild has built external modules in, and KDIR is the
kernel that it built them for. The format is that of compile_commands.json. If BUILD
is a tree of links, the sources are named by what the links point to.

Exit status: 0, or 1 if BUILD has no object.
"""

import json
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
COMMAND = re.compile(r"^(?:saved)?cmd_\S+\.o := (.* )(\S+\.c) *(?:;.*)?$", re.M)


def entries(build, kdir):
    """Yield an entry for each object. Paths are sorted, so the result is repeatable."""
    for path in sorted(build.rglob(".*.o.cmd")):
        match = COMMAND.search(path.read_text(encoding="utf-8"))
        if not match or match[2].endswith(".mod.c"):
            continue
        command, source = match[1], pathlib.Path(match[2])
        # Since 6.13 the compiler runs in the module's directory, before that in the kernel's.
        if source.is_absolute():
            directory = kdir
        else:
            directory = build_of(build, path, source)
        source = (directory / source).resolve()
        # Skip sources that are kbuild's own.
        if source.is_file() and source.is_relative_to(TOP):
            yield {"directory": str(directory), "command": command + str(source),
                   "file": str(source)}


def build_of(build, path, source):
    """Return the directory that a relative source belongs to: BUILD, or one of its tests/."""
    for directory in [path.parent, *path.parent.parents]:
        if (directory / source).exists():
            return directory
        if directory == build:
            break
    return build


def main():
    """Print all entries."""
    build, kdir = (pathlib.Path(arg).absolute() for arg in sys.argv[1:])
    found = list(entries(build, kdir))
    json.dump(found, sys.stdout, indent=1)
    print()
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main())
