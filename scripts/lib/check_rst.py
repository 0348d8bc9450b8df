# SPDX-License-Identifier: GPL-2.0
"""check_rst.py FILE... - print what is wrong with reStructuredText files.

docutils parses each file. For Sphinx's roles and directives, this checks that
the files that they name exist. Exit status: 0, or 1 if something is wrong.
"""

import io
import pathlib
import sys

from docutils import core, nodes
from docutils.parsers.rst import Directive, directives, roles


def source_of(inliner_or_state):
    """Return the file that is being parsed."""
    return pathlib.Path(inliner_or_state.document.current_source)


def doc_role(name, rawtext, text, lineno, inliner, options=None, content=None):
    """:doc:`target`: another file of the same directory."""
    target = text.rstrip(">").split("<")[-1]
    if (source_of(inliner).parent / f"{target}.rst").exists():
        return [nodes.literal(rawtext, text)], []
    return [], [inliner.reporter.error(f"no document {target}", line=lineno)]


class FileDirective(Directive):
    """A directive whose argument is a file, relative to base()."""

    required_arguments = 1
    final_argument_whitespace = True
    option_spec = {"language": directives.unchanged, "start-after": directives.unchanged}

    def base(self):
        """Return the directory that the file is relative to."""
        return source_of(self.state).parent

    def run(self):
        """Report a file that does not exist."""
        if (self.base() / self.arguments[0]).exists():
            return []
        return [self.state.reporter.error(f"no file {self.arguments[0]}", line=self.lineno)]


class KernelDoc(FileDirective):
    """kernel-doc and head-comment take their files from the top of the tree."""

    def base(self):
        """Return the top of the tree."""
        return source_of(self.state).parent.parent


class TocTree(Directive):
    """A list of documents."""

    has_content = True
    option_spec = {"maxdepth": directives.unchanged, "caption": directives.unchanged}

    def run(self):
        """Report documents that do not exist."""
        here = source_of(self.state).parent
        return [
            self.state.reporter.error(f"no document {name}", line=self.lineno)
            for name in filter(None, map(str.strip, self.content))
            if not (here / f"{name}.rst").exists()
        ]


def main():
    """Parse all files."""
    roles.register_local_role("doc", doc_role)
    directives.register_directive("literalinclude", FileDirective)
    directives.register_directive("head-comment", KernelDoc)
    directives.register_directive("kernel-doc", KernelDoc)
    directives.register_directive("toctree", TocTree)
    found = io.StringIO()
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            core.publish_doctree(
                file.read(),
                source_path=path,
                settings_overrides={"warning_stream": found, "report_level": 2},
            )
    print(found.getvalue(), end="")
    return 1 if found.getvalue() else 0


if __name__ == "__main__":
    sys.exit(main())
