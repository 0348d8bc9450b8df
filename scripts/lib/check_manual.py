# SPDX-License-Identifier: GPL-2.0
"""check_manual.py - print messages, parameters and counters that the manual lacks.

Documentation/debugging.rst has to have each message that gomem prints, and each counter of
misuse. Documentation/tuning.rst has to have each parameter and each counter of misuse. Run it at
the top of the tree. Exit status: 0, or 1 if something is missing.
"""

import pathlib
import re
import sys

PRINT = re.compile(r'\bpr_(?:err|warn|notice|info)\(\s*((?:"(?:[^"\\]|\\.)*"\s*)+)')
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
CONVERSION = re.compile(r"%#?(?:ll|l|z)?(?:pS|pGg|pV|[a-z])")
PARAMETER = re.compile(r"^module_param(?:_named|_cb)?\((\w+)", re.M)
COUNTER = re.compile(r'^\t\[GOMEM_\w+\]\s*= "(\w+_(?:detected|refused|in_use))"', re.M)

# Texts with at most this many letters are skipped: they are parts of many messages.
SHORT = 2


def text_of(name):
    """Return a document, with line breaks as spaces."""
    path = pathlib.Path("Documentation") / name
    return " ".join(path.read_text(encoding="utf-8").split())


def messages(source):
    """Yield the fixed parts of each message in a source file."""
    for match in PRINT.finditer(source):
        text = "".join(STRING.findall(match[1])).replace("\\n", "").replace('\\"', '"')
        for part in CONVERSION.split(text):
            if len(part.strip()) > SHORT:
                yield part.strip()


def missing():
    """Yield what the manual should have and does not have, as lines."""
    debugging, tuning = text_of("debugging.rst"), text_of("tuning.rst")
    for path in sorted(pathlib.Path("gomem").glob("**/*.c")):
        source = path.read_text(encoding="utf-8")
        for part in messages(source):
            if part not in debugging:
                yield f'{path}: Documentation/debugging.rst lacks "{part}"'
        for name in PARAMETER.findall(source) + COUNTER.findall(source):
            if f"``{name}``" not in tuning and f"{name} " not in tuning:
                yield f"{path}: Documentation/tuning.rst lacks {name}"
        for name in COUNTER.findall(source):
            if f"``{name}``" not in debugging:
                yield f"{path}: Documentation/debugging.rst lacks {name}"


def main():
    """Print what is missing."""
    found = list(missing())
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
