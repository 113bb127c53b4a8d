"""What a config is: its splits, their numbers of rows, the range of their puzzles, and their rules."""

from __future__ import annotations

from dataclasses import dataclass

from arith_puzzle.dataset_builder.puzzle import OPERATORS
from arith_puzzle.dataset_builder.solver.solve import BOUND_FACTOR

SHARD_ROWS = 1_000_000
"""Rows of a full shard. The shard index is part of the random stream, so another size gives other rows."""

MAX_RESULT = 3 * 10**9
"""Largest bound on intermediate results: a product of two results fits 64 bits."""

MAX_RATIONAL = 10**9
"""The same where quotients are fractions: the sum of two products of numerators and denominators fits 64 bits."""

PAPER_RULES = {"rule": "all", "division": "exact", "form": "equations"}
"""The options of ``verify`` for the paper's puzzle."""

MAX_PATHS = 64
"""Maximum number of rows per puzzle."""

SOLUTIONS = ("generated", "canonical")
"""The solutions that completions can be; see ``SplitSpec.solutions``."""


@dataclass(frozen=True)
class SplitSpec:
    """One split.

    Attributes:
        rows: number of puzzles. It is also the number of rows, unless ``paths`` is above 1.
        n_values: numbers per puzzle, N. The puzzle at position p has ``n_values[p % len(n_values)]`` numbers, so a size
            that occurs twice has twice the puzzles.
        v: V; numbers and targets are in 1..V.
        at_least: lower bound on the largest number of a puzzle.
        labels: whether rows have ``num_solutions`` and ``difficulty``.
        solutions: "generated": the completion is the solution with which the generator found the puzzle. "canonical":
            it is the canonical solution, see ``arith_puzzle.dataset_builder.solver.canonical``.
        paths: rows per puzzle, each with another solution; fewer if the puzzle has fewer solutions.
        repeat: whether a number may occur more than once in a puzzle.
        targets: (lowest, highest) target; None: 1..v.
        largest_result: upper bound on the absolute value of intermediate results, and on their denominators; None:
            BOUND_FACTOR * v.
        operations: the operators of the solutions in the rows. An answer may use the others, and labels count it.
        rule, division, form: which answers are right; see ``verify``.
    """

    rows: int
    n_values: tuple[int, ...]
    v: int = 60
    at_least: int = 1
    labels: bool = True
    solutions: str = "generated"
    paths: int = 1
    repeat: bool = False
    targets: tuple[int, int] | None = None
    largest_result: int | None = None
    operations: str = OPERATORS
    rule: str = "all"
    division: str = "exact"
    form: str = "equations"

    @property
    def rules(self) -> dict[str, str]:
        """The options of ``verify`` under which answers are right; empty for the paper's rules."""
        rules = {"rule": self.rule, "division": self.division, "form": self.form}
        return {} if rules == PAPER_RULES else rules

    @property
    def paper_moves(self) -> bool:
        """Whether solutions consist of the paper's moves; ``by_rules`` draws and solves all others."""
        return (self.operations, self.rule, self.division) == (OPERATORS, "all", "exact")

    @property
    def bound(self) -> int:
        """The upper bound on the absolute value of intermediate results."""
        return self.largest_result or min(BOUND_FACTOR * self.v, MAX_RESULT)

    @property
    def target_range(self) -> tuple[int, int]:
        """The lowest and the highest target."""
        return self.targets or (1, self.v)


@dataclass(frozen=True)
class Config:
    """A config.

    Attributes:
        family: configs of one family share their random streams, and with the same suffix their shards.
        splits: name of a split -> its content.
        suffix: names other completions, such as ``-canonical``; see ``with_solutions``.
        custom: whether the config comes from a file of the user's; see ``file``.
        seed: seed of the random streams, unless another is given.
    """

    family: str
    splits: dict[str, SplitSpec]
    suffix: str = ""
    custom: bool = False
    seed: int = 0

    @property
    def folder(self) -> str:
        """The folder of the shards."""
        return self.family + self.suffix


def shard_sizes(spec: SplitSpec) -> list[int]:
    """The number of puzzles in each shard of a split."""
    full, rest = divmod(spec.rows, SHARD_ROWS)
    return [SHARD_ROWS] * full + [rest] * (rest > 0)
