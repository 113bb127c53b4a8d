"""Read the search that a model writes before its answer, even while the model is still writing. The page shows it.

``arith_puzzle.dataset_builder.search_traces`` defines the format.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from arith_puzzle.dataset_builder.search_traces import SEARCH_MARKER

FORMAT = "search"
"""The format in ``dataset_builder.formats`` whose completions begin with a search."""
_STEP = re.compile(r"-?\d+[-+*/]-?\d+=-?\d+")
_LEFT = re.compile(r"\d+(?:,\d+){2,}:\d+")
_PAIR = re.compile(r"(\d+,\d+):(\d+(?:,\d+)*):(\d+(?:,\d+)*)(?::(.*))?")


@dataclass(frozen=True)
class Pair:
    """A line about two of the last three numbers. All numbers are text.

    Attributes:
        numbers: the pair.
        wanted: the values that it would have to make.
        made: the values that it makes, up to the first wanted one.
        equation: the last equation, if the pair makes a wanted value; else empty.
    """

    numbers: tuple[str, ...]
    wanted: tuple[str, ...]
    made: tuple[str, ...]
    equation: str = ""

    @property
    def found(self) -> bool:
        """Whether the pair leads to the target, as the model says."""
        return bool(self.equation)


@dataclass(frozen=True)
class Attempt:
    """An attempt of a search.

    Attributes:
        steps: its equations before the pairs. It begins with the first. An attempt at three numbers has none.
        left: the numbers that are left after the last step.
        pairs: the pairs of these.
        other: lines that are none of these.
    """

    steps: tuple[str, ...]
    left: tuple[str, ...]
    pairs: tuple[Pair, ...]
    other: tuple[str, ...]

    @classmethod
    def of(cls, lines: Sequence[str]) -> Attempt:
        """Read the lines of an attempt, without the puzzle before it."""
        steps, left, pairs, other = [], (), [], []
        for line in lines:
            if pair := _PAIR.fullmatch(line):
                numbers, wanted, made = (tuple(part.split(",")) for part in pair.group(1, 2, 3))
                pairs.append(Pair(numbers, wanted, made, pair[4] or ""))
            elif _LEFT.fullmatch(line):
                left = tuple(line.partition(":")[0].split(","))
            else:
                (steps if _STEP.fullmatch(line) else other).append(line)
        return cls(tuple(steps), left, tuple(pairs), tuple(other))

    @property
    def found(self) -> bool:
        """Whether a pair leads to the target, as the model says."""
        return any(pair.found for pair in self.pairs)


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

    @cached_property
    def attempts(self) -> tuple[Attempt, ...]:
        """The attempts that were begun. An empty line separates attempts, and the puzzle again follows it."""
        if not self.text:
            return ()
        first, *later = self.text.split("\n\n")
        blocks = [first.splitlines(), *(block.splitlines()[1:] for block in later)]
        return tuple(map(Attempt.of, blocks))
