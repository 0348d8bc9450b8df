# SPDX-License-Identifier: GPL-2.0
"""layers.py [BUILD] SOURCES - check that no file of gomem uses a higher layer.

SOURCES is the directory of the sources. Its Kbuild lists the objects by folder,
the lowest layer first. A file may use its own folder and those before it in
that list. What a file uses are its #includes, and the symbols that its object
needs: BUILD is the directory of the objects. Without BUILD, only #includes
count. Inline functions of headers are part of the objects, so their calls count
as well. A layer calls upward only through a function pointer that a higher
layer has set.

MAINTAINERS, beside SOURCES, has to name each file of SOURCES, or its folder.

Prints one line for each violation. Exit status: 0, or 1 if there is one.
"""

import pathlib
import re
import subprocess
import sys

OBJECT = re.compile(r"^gomem-y \+= (\w+)/(\w+)\.o$", re.M)
INCLUDE = re.compile(r'^#include "(\w+)/(\w+\.h)"', re.M)


def symbols(path):
    """Return the symbols that an object defines for others, and those that it needs."""
    defined, wanted = set(), set()
    text = subprocess.run(["nm", path], check=True, capture_output=True, text=True).stdout
    for line in text.splitlines():
        kind, name = line.split()[-2:]
        if kind == "U":
            wanted.add(name)
        elif kind.isupper():
            defined.add(name)
    return defined, wanted


def upward_includes(sources, folders):
    """Yield a line for each file that includes a header of a higher layer."""
    for path in sorted(sources.glob("*/*.[ch]")):
        own = path.parent.name
        if own not in folders:
            yield f"{own}/{path.name}: its folder is not in Kbuild"
            continue
        for folder, header in INCLUDE.findall(path.read_text(encoding="utf-8")):
            if folder not in folders or folders.index(folder) > folders.index(own):
                yield f"{own}/{path.name}: includes {folder}/{header}, which is above it"


def upward_calls(build, objects, folders):
    """Yield a line for each object that uses a symbol of a higher layer."""
    where, wanted = {}, {}
    for folder, name in objects:
        defined, wanted[folder, name] = symbols(build / folder / f"{name}.o")
        where.update((symbol, (folder, name)) for symbol in defined)
    for (folder, name), used in sorted(wanted.items()):
        for symbol in sorted(used & where.keys()):
            there = where[symbol]
            if folders.index(there[0]) > folders.index(folder):
                yield f"{folder}/{name}.c: uses {symbol} of {there[0]}/{there[1]}.c, which is above it"


def unmaintained(sources):
    """Yield a line for each file that MAINTAINERS does not name."""
    top = sources.resolve().parent
    text = (top / "MAINTAINERS").read_text(encoding="utf-8")
    named = set()
    for pattern in re.findall(r"^F:\s+(\S+)$", text, re.M):
        named.update(path for found in top.glob(pattern.rstrip("/"))
                     for path in ([found] if found.is_file() else found.rglob("*")))
    for path in sorted(sources.resolve().rglob("*")):
        if path.is_file() and path.suffix in (".c", ".h") and path not in named:
            yield f"{path.relative_to(top)}: is not in MAINTAINERS"


def main():
    """Print all violations."""
    *build, sources = (pathlib.Path(arg) for arg in sys.argv[1:])
    objects = OBJECT.findall((sources / "Kbuild").read_text(encoding="utf-8"))
    folders = list(dict.fromkeys(folder for folder, _ in objects))
    if not objects:
        print("Kbuild lists no objects in folders")
        return 1
    found = [*upward_includes(sources, folders), *unmaintained(sources)]
    for directory in build:
        found += upward_calls(directory, objects, folders)
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
