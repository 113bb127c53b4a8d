"""Find the code blocks of a card that a reader can run, and the command that runs each.

A fenced block runs if its language is ``python``, ``pycon``, ``bash``, ``sh`` or ``shell``. A Python block that starts
with ``>>>`` runs as a doctest, so its output is compared too. A block with another language, such as ``text``, does not
run. The card says beside such a block what it needs, for example a running Space.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

_PYTHON, _BASH = {"python", "py", "python3", "pycon"}, {"bash", "sh", "shell"}
_DOCTEST = "import doctest, sys; sys.exit(doctest.testfile(sys.argv[1], module_relative=False).failed > 0)"


@dataclass(frozen=True)
class Snippet:
    """A code block. ``line`` is the 1-based line of the card where its code starts."""

    line: int
    language: str
    code: str

    def command(self, folder: Path) -> list[str]:
        """Write the code into ``folder``, and return the command that runs it there. Exit status 0 means success."""
        if self.language == "bash":
            (folder / "snippet.sh").write_text(self.code)
            return ["bash", "-euo", "pipefail", "snippet.sh"]
        if self.language == "doctest":
            (folder / "snippet.txt").write_text(self.code)
            return [sys.executable, "-c", _DOCTEST, "snippet.txt"]
        (folder / "snippet.py").write_text(self.code)
        return [sys.executable, "snippet.py"]


def snippets(card: str) -> list[Snippet]:
    """The code blocks of a card that run, in order."""
    found = []
    for block in MarkdownIt().parse(card):
        word = (block.info.split() or [""])[0].lower()
        if block.type != "fence" or word not in _PYTHON | _BASH:
            continue
        doctest = word == "pycon" or block.content.lstrip().startswith(">>>")
        language = "bash" if word in _BASH else "doctest" if doctest else "python"
        found.append(Snippet(block.map[0] + 2, language, block.content))
    return found
