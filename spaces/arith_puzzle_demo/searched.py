"""Read the search that a model writes before its answer, even while the model is still writing. The page shows it.

``arith_puzzle.dataset_builder.search_traces`` defines the format.
"""

from __future__ import annotations

from dataclasses import dataclass

from arith_puzzle.dataset_builder.search_traces import SEARCH_MARKER

FORMAT = "search"
"""The format in ``dataset_builder.formats`` whose completions begin with a search."""
MAX_LINE = 60
"""Of the current line, only the last MAX_LINE characters are shown."""


@dataclass(frozen=True)
class Search:
    """A search. ``text`` is the part before the marker; ``ended`` says whether the marker has been written."""

    text: str
    ended: bool

    @classmethod
    def of(cls, written: str) -> Search:
        """Split the model's text at the marker. An incomplete marker does not count."""
        search, marker, _ = written.rpartition(f"\n{SEARCH_MARKER}\n")
        return cls(search, True) if marker else cls(written, False)

    @property
    def attempts(self) -> int:
        """Number of attempts that were begun. An empty line separates attempts."""
        return self.text.count("\n\n") + bool(self.text)

    @property
    def line(self) -> str:
        """The last line that is not empty; only its end if it is long."""
        line = self.text.rstrip("\n").rpartition("\n")[2]
        return line if len(line) <= MAX_LINE else f"…{line[-MAX_LINE:]}"
