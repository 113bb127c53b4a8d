"""A search that a model wrote before its answer (``arith_puzzle.dataset_builder.search_traces``), read for the page, also half-way."""

from __future__ import annotations

from dataclasses import dataclass

from arith_puzzle.dataset_builder.search_traces import SEARCH_MARKER

FORMAT = "search"
"""Of ``arith_puzzle.dataset_builder.formats``: the one whose answers search."""
MAX_LINE = 60
"""Characters of the line at work that are shown: its end, where the model is."""


@dataclass(frozen=True)
class Search:
    """``text``: what stands above the marker, all of it as long as there is none; ``ended``: is there one?"""

    text: str
    ended: bool

    @classmethod
    def of(cls, written: str) -> Search:
        """Of all that the model wrote so far. Half a marker is none yet."""
        search, marker, _ = written.rpartition(f"\n{SEARCH_MARKER}\n")
        return cls(search, True) if marker else cls(written, False)

    @property
    def attempts(self) -> int:
        """How many were begun: an empty line lies between two."""
        return self.text.count("\n\n") + bool(self.text)

    @property
    def line(self) -> str:
        """The line at work, or the last whole one; of a long one the end."""
        line = self.text.rstrip("\n").rpartition("\n")[2]
        return line if len(line) <= MAX_LINE else f"…{line[-MAX_LINE:]}"
