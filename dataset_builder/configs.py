"""The dataset's configs: which splits each has, how many rows, and how their puzzles are drawn."""

from __future__ import annotations

from dataclasses import dataclass, replace

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.solver.solve import BOUND_FACTOR

SHARD_ROWS = 1_000_000


@dataclass(frozen=True)
class SplitSpec:
    """One split: ``rows``; its sizes N (position p has ``n_values[p % len]``); V; the least largest number;
    whether rows carry labels; whether the completion is the solution that made the puzzle or the canonical one; and
    ``paths``: above 1, each puzzle stands in that many rows (or as many as it has solutions) with different ones."""

    rows: int
    n_values: tuple[int, ...]
    v: int = 60
    at_least: int = 1
    labels: bool = True
    solutions: str = "made"
    paths: int = 1

    @property
    def bound(self) -> int:
        """The bound on |intermediate|."""
        return BOUND_FACTOR * self.v


@dataclass(frozen=True)
class Config:
    """A config: its splits, and the family whose streams and shards it shares with its sisters."""

    family: str
    splits: dict[str, SplitSpec]


def _paper(rows: int) -> Config:
    """A training size of the paper with our sizes of its three benchmarks."""
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
"""Config -> what it holds; the sizes are the contract's."""


MAX_PATHS = 64


def with_solutions(config: Config, solutions: str | None, paths: int = 1) -> Config:
    """The config with other completions: the same puzzles, in a family of their own.

    Args:
        solutions: "made" or "canonical", in all splits; None leaves it as it is.
        paths: different solutions of each puzzle of ``train``, in the canonical order, the canonical one first.

    Raises:
        InputError: unknown solutions, paths outside 1..MAX_PATHS, or several paths of the solution that made a puzzle.
    """
    if not 1 <= paths <= MAX_PATHS:
        raise InputError(f"--paths must be in 1..{MAX_PATHS}, not {paths}")
    if solutions not in (None, "made", "canonical"):
        raise InputError(f"solutions are 'made' or 'canonical', not {solutions!r}")
    if paths > 1 and solutions == "made":
        raise InputError("--paths above 1 gives solutions in the canonical order; leave out --solutions made")
    splits, family = config.splits, config.family
    if solutions is not None and any(spec.solutions != solutions for spec in splits.values()):
        splits = {name: replace(spec, solutions=solutions) for name, spec in splits.items()}
        family += f"-{solutions}"
    if paths > 1:
        train = replace(splits["train"], solutions="canonical", paths=paths) if "train" in splits else None
        if train is None:
            raise InputError("--paths is for configs with a train split; evaluation splits hold no puzzle twice")
        splits, family = splits | {"train": train}, f"{family}-paths{paths}"
    return Config(family, splits)


def shard_sizes(spec: SplitSpec) -> list[int]:
    """Rows of each shard of a split."""
    full, rest = divmod(spec.rows, SHARD_ROWS)
    return [SHARD_ROWS] * full + [rest] * (rest > 0)


def config_name(config: str, content: Config) -> str:
    """What a config is called in manifest and card: its own name, and what its completions add to the family's."""
    return config + content.family.removeprefix(CONFIGS[config].family)
