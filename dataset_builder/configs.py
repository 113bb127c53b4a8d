"""The configs of the dataset: the splits of each, their numbers of rows, and the range of their puzzles."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, replace
from pathlib import Path

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.solver.solve import BOUND_FACTOR

SHARD_ROWS = 1_000_000
"""Rows of a full shard. The shard index is part of the random stream, so another size gives other rows."""


MAX_RESULT = 3 * 10**9
"""Largest bound on intermediate results: a product of two results fits 64 bits."""

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
        largest_result: upper bound on the absolute value of intermediate results; None: BOUND_FACTOR * v.
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
        custom: whether the config comes from a file of the user's; see ``custom_config``.
    """

    family: str
    splits: dict[str, SplitSpec]
    suffix: str = ""
    custom: bool = False

    @property
    def folder(self) -> str:
        """The folder of the shards."""
        return self.family + self.suffix


def _paper(rows: int) -> Config:
    """A config with ``rows`` training rows, and the paper's three benchmarks in this project's sizes."""
    return Config(
        "paper",
        {
            "train": SplitSpec(rows, (5, 6, 7), labels=False),
            "validation": SplitSpec(3_000, (5, 6, 7)),
            "test": SplitSpec(7_500, (5, 6, 7)),
            "ood_numeric_100": SplitSpec(6_000, (5, 6, 7), v=100, at_least=61),
            "ood_numeric_1000": SplitSpec(6_000, (5, 6, 7), v=1000, at_least=101),
            "ood_form": SplitSpec(5_000, (8,)),
        },
    )


CONFIGS: dict[str, Config] = {
    "1m": _paper(1_000_000),
    "10m": _paper(10_000_000),
    "100m": _paper(100_000_000),
    "stress": Config(
        "stress",
        {f"n{n}": SplitSpec(1_000, (n,), labels=False) for n in (9, 10, 12, 15)}
        | {f"v{v}": SplitSpec(1_000, (5, 6, 7), v=v, at_least=v // 10 + 1, labels=False) for v in (10_000, 100_000)},
    ),
    "starter": Config(
        "starter",
        {
            "train": SplitSpec(300_000, (3, 4), labels=False, solutions="canonical"),
            "validation": SplitSpec(1_000, (3, 4), solutions="canonical"),
            "test": SplitSpec(2_000, (3, 4), solutions="canonical"),
        },
    ),
}
"""Name of a config -> its content."""

MAX_PATHS = 64
"""Maximum number of rows per puzzle."""


def with_solutions(config: Config, solutions: str | None, paths: int = 1) -> Config:
    """The same puzzles with other completions, as a config with a suffix.

    Args:
        solutions: "generated" or "canonical", for all splits; None keeps the config's choice.
        paths: number of different solutions for each puzzle of ``train``. They come in the order of
            ``arith_puzzle.dataset_builder.solver.canonical.paths``, so the canonical solution is the first.

    Raises:
        InputError: unknown ``solutions``, ``paths`` outside 1..MAX_PATHS, several paths of generated solutions, or
            several paths for a config without a train split.
    """
    if not 1 <= paths <= MAX_PATHS:
        raise InputError(f"--paths must be in 1..{MAX_PATHS}, not {paths}")
    if solutions not in (None, *SOLUTIONS):
        raise InputError(f"solutions must be one of {', '.join(SOLUTIONS)}; got {solutions!r}")
    if paths > 1 and solutions == "generated":
        raise InputError("--paths above 1 gives solutions in the canonical order; leave out --solutions generated")
    splits, suffix = config.splits, config.suffix
    if solutions is not None and any(spec.solutions != solutions for spec in splits.values()):
        splits = {name: replace(spec, solutions=solutions) for name, spec in splits.items()}
        suffix += f"-{solutions}"
    if paths > 1:
        if "train" not in splits:
            raise InputError("--paths needs a config with a train split; evaluation splits contain each puzzle once")
        train = replace(splits["train"], solutions="canonical", paths=paths)
        splits, suffix = splits | {"train": train}, f"{suffix}-paths{paths}"
    return replace(config, splits=splits, suffix=suffix)


def shard_sizes(spec: SplitSpec) -> list[int]:
    """The number of puzzles in each shard of a split."""
    full, rest = divmod(spec.rows, SHARD_ROWS)
    return [SHARD_ROWS] * full + [rest] * (rest > 0)


def build_command(name: str, out: object, *, seed: int = 0) -> str | None:
    """The shell command that builds a config by its name in the manifest, such as ``1m-canonical``; None if unknown."""
    config, dash, suffix = name.partition("-")
    found = re.fullmatch(rf"({'|'.join(SOLUTIONS)})?-?(?:paths(\d+))?", suffix)
    if config not in CONFIGS or not found or (dash and not any(found.groups())):
        return None
    words = ["arith-puzzle", "build", "--config", config, *(["--seed", str(seed)] if seed else [])]
    words += ["--solutions", found[1]] if found[1] else []
    words += ["--paths", found[2]] if found[2] else []
    return shlex.join([*words, "--out", str(out)])


def how_to_get(name: str | None, out: object) -> str:
    """What an error advises when a config cannot be loaded from the place ``out``."""
    if Path(str(out), "README.md").is_file() and not Path(str(out), "manifest.json").is_file():
        return "its card names its configs: choose one of them as config"
    command = build_command(name or "", out)
    return f"build it with: {command}" if command else "check the name of the dataset, and of its config"
