# SPDX-License-Identifier: GPL-2.0
"""handover_files.py - find the source files of a module.

A module is given as a directory, or as one of its .c files. For a .c file, the
Kbuild or Makefile beside it or above tells what else the module is built from:

  name-y := main.o $(parts)
  name-$(CONFIG_X) += $(addprefix sub/, part.o)
"""

import pathlib
import re

NO_CODE = re.compile(r"(^|/)(tests?|kunit|selftests?|tools|samples)/|"
                     r"[-_](kunit|tests?|selftest)\.c$|nommu\.c$")
# How many directories are searched for a file's makefile: its own, and those above.
LEVELS = 3
RULE = re.compile(r"^[ \t]*([\w-]+?)(?:-(?:y|objs|m|\$\([^()]*\)))?[ \t]*[:+]?=(.*)$", re.M)
PREFIX = re.compile(r"\$\(addprefix\s+([^,()\s]+)\s*,([^()]*)\)")
VARIABLE = re.compile(r"\$\((\w+)\)")


def rules(folder):
    """Return what each name in a folder's Kbuild or Makefile is assigned, as text."""
    found = {}
    path = next((folder / n for n in ("Kbuild", "Makefile") if (folder / n).is_file()), None)
    text = path.read_text(errors="replace").replace("\\\n", " ") if path else ""
    for name, value in RULE.findall(text):
        found[name] = found.get(name, "") + " " + value.partition("#")[0]
    return found


def objects(name, found):
    """Return the objects that a name stands for."""
    value = VARIABLE.sub(lambda m: found.get(m[1], ""), found[name])
    value = PREFIX.sub(lambda m: " ".join(m[1] + word for word in m[2].split()), value)
    return [word for word in value.split() if word.endswith(".o")]


def built_with(path):
    """Return the files of the module that a file is part of: at least this file."""
    for folder in list(path.absolute().parents)[:LEVELS]:
        found = rules(folder)
        part = str(path.absolute().relative_to(folder).with_suffix(".o"))
        for name in sorted(found):
            parts = objects(name, found)
            if part in parts and f"{name}.o" in objects("obj", {"obj": "", **found}):
                files = [(folder / word).with_suffix(".c") for word in parts]
                return sorted({f for f in files if f.is_file()})
    return [path]


def of(path):
    """Return the sources of a module, without its tests if it is a directory, and the headers
    beside them.
    """
    if path.is_dir():
        files = [p for p in sorted(path.rglob("*.c"))
                 if not NO_CODE.search(str(p.relative_to(path)))]
        return tuple(files), sorted(path.rglob("*.h"))
    files = built_with(path)
    return tuple(files), sorted({h for f in files for h in f.parent.glob("*.h")})
