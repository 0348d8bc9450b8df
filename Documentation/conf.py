# SPDX-License-Identifier: GPL-2.0
"""Configuration of Sphinx, for "make htmldocs".

The directive "kernel-doc" inserts what the kernel's script of that name makes of the comments
in a header. scripts/htmldocs passes the script in $KERNEL_DOC. Without it, a note takes the
place of the reference.
"""

import os
import pathlib
import re
import subprocess

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx import addnodes
from sphinx.transforms import SphinxTransform
from sphinx.util.docutils import SphinxDirective, switch_source_input
from sphinx.util.nodes import nested_parse_with_titles

TOP = pathlib.Path(__file__).resolve().parent.parent

project = "gomem"
author = "the gomem authors"
copyright = "the gomem authors, GPL-2.0"
version = release = re.search(
    r'^PACKAGE_VERSION="(.*)"', (TOP / "dkms.conf").read_text(encoding="utf-8"), re.M
)[1]

extensions = []
highlight_language = "none"
smartquotes = False
html_theme = "alabaster"
html_title = f"gomem {version}"
html_static_path = ["static"]
html_css_files = ["manual.css"]
html_show_sourcelink = html_show_sphinx = False
html_sidebars = {"**": ["about.html", "searchbox.html", "navigation.html"]}
html_theme_options = {
    "description": "an allocator for kernel modules",
    "fixed_sidebar": False,
    "font_family": "system-ui, sans-serif",
    "head_font_family": "system-ui, sans-serif",
    "page_width": "64rem",
    "show_powered_by": False,
    "show_relbar_bottom": True,
    "sidebar_width": "15rem",
}


class FromHeader(SphinxDirective):
    """Text that is made of a header, whose path is relative to the top of the tree."""

    required_arguments = 1

    def parse(self, text, header):
        """Parse lines of reStructuredText."""
        lines = StringList(text.splitlines(), source=str(header))
        parsed = nodes.section()
        parsed.document = self.state.document
        with switch_source_input(self.state, lines):
            nested_parse_with_titles(self.state, lines, parsed)
        return parsed.children


class HeadComment(FromHeader):
    """The comment at the top of a header, from the text of "start-after" on."""

    option_spec = {"start-after": directives.unchanged_required}

    def run(self):
        """Strip the comment's frame, and the tab before items of lists."""
        header = TOP / self.arguments[0]
        self.env.note_dependency(str(header))
        comment = header.read_text(encoding="utf-8").split("*/")[1]
        text = comment.split(self.options["start-after"])[1]
        text = re.sub(r"^ \*( |\t|$)", "", text, flags=re.M)
        return self.parse(text, header)


class KernelDoc(FromHeader):
    """The reference of a header."""

    def run(self):
        """Run kernel-doc, and parse what it prints."""
        header = TOP / self.arguments[0]
        self.env.note_dependency(str(header))
        script = os.environ.get("KERNEL_DOC")
        if not script:
            text = nodes.paragraph(
                text="This manual was built without the kernel's script kernel-doc. The comments "
                f"in {self.arguments[0]} document each function."
            )
            return [nodes.note("", text)]
        done = subprocess.run(
            [script, "-rst", str(header)], check=True, capture_output=True, text=True
        )
        return self.parse(done.stdout, header)


class LinkFunctions(SphinxTransform):
    """Turn each "gomem_alloc()" in a text into a link to the reference."""

    default_priority = 200
    name = re.compile(r"\b((?:devm_)?gomem_[a-z_]+)\(\)")

    def apply(self, **kwargs):
        """Replace names in texts that are no literals, titles or links."""
        kept = (nodes.literal_block, nodes.title, nodes.reference, addnodes.desc_signature,
                addnodes.pending_xref)
        for text in list(self.document.findall(nodes.Text)):
            parent = text.parent
            if not self.name.search(text) or any(map(lambda k: has_above(text, k), kept)):
                continue
            at = parent.index(text)
            parent.remove(text)
            parent.insert(at, list(self.pieces(text)))

    def pieces(self, text):
        """The parts of a text, names as links."""
        for i, piece in enumerate(self.name.split(text)):
            if i % 2:
                link = addnodes.pending_xref(
                    "", nodes.literal(text=f"{piece}()", classes=["xref", "c", "c-func"]),
                    refdomain="c", reftype="func", reftarget=piece, refdoc=self.env.docname,
                )
                yield link
            elif piece:
                yield nodes.Text(piece)


def has_above(node, kind):
    """Does a node lie in one of a kind?"""
    while node is not None:
        if isinstance(node, kind):
            return True
        node = node.parent
    return False


def setup(app):
    """Called by Sphinx."""
    app.add_directive("head-comment", HeadComment)
    app.add_directive("kernel-doc", KernelDoc)
    app.add_transform(LinkFunctions)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
