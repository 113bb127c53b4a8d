"""The puzzle of an episode: drawn from a config, a split and a seed, or given by the caller.

Nothing is downloaded. The puzzle of seed ``s`` is row ``s % k`` of the split that ``arith_puzzle.generate`` makes with
that seed, where ``k`` is the number of rows after which the sizes repeat. So all sizes occur, and puzzles of ``train``
never occur in the other splits. The published dataset has seed 0.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.by_rules import draw_options
from arith_puzzle.dataset_builder.configs import CONFIGS, Config, find_config
from arith_puzzle.dataset_builder.generate import puzzles
from arith_puzzle.environments.game import Puzzle

CONFIG_FILE = "ARITH_PUZZLE_CONFIG"
"""Environment variable: a YAML file with a config of one's own (docs/custom_puzzles.md). Episodes may name it too."""
MAX_SEED = 2**63 - 1
DEFAULT = ("starter", "train")
"""Config and split of an episode that names none."""


def configs() -> dict[str, Config]:
    """The configs of episodes by name: the shipped ones, and that of CONFIG_FILE. No other file is ever read."""
    path = os.environ.get(CONFIG_FILE)
    return CONFIGS | (dict([find_config(path)]) if path else {})


def draw_seed() -> int:
    """A random seed, for an episode without one."""
    return secrets.randbelow(2**31)


def draw(config: str, split: str, seed: int) -> Puzzle:
    """The puzzle of a config, split and seed. Raises InputError for an unknown name, or a seed out of range."""
    known = configs()
    if not isinstance(config, str) or config not in known:
        raise InputError(f"unknown config {str(config)[:60]!r}; known: {', '.join(known)}")
    if not isinstance(split, str) or split not in known[config].splits:
        raise InputError(f"{config} has no split {str(split)[:60]!r}; it has {', '.join(known[config].splits)}")
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= MAX_SEED:
        raise InputError(f"a seed is an integer from 0 to {MAX_SEED}; got {str(seed)[:60]}")
    return _draw(config, split, seed, os.environ.get(CONFIG_FILE))


@lru_cache(maxsize=4096)
def _draw(config: str, split: str, seed: int, own: str | None) -> Puzzle:
    content = configs()[config]
    spec = content.splits[split]
    place = seed % min(len(spec.n_values), spec.rows)
    n = spec.n_values[place]
    rules = None if spec.paper_moves else draw_options(spec.operations, spec.rule, spec.division)
    numbers, targets, _ = puzzles(
        (content.family, split, seed, 0), spec.n_values[: place + 1].count(n), n, spec.v, spec.bound, split,
        unique=split != "train", at_least=spec.at_least, targets_in=spec.target_range, repeat=spec.repeat, rules=rules,
    )  # fmt: skip
    return Puzzle(tuple(np.sort(numbers[-1]).tolist()), int(targets[-1]), spec.rules)


def given(numbers: Sequence[int], target: int, rules: dict[str, str] | None = None) -> Puzzle:
    """A puzzle of the caller's own, such as a row of the dataset. Raises InputError if it is none."""
    return Puzzle.of(numbers, target, rules)
