"""A dataset of reasoning-gym. Its import registers ``arith_puzzle``; puzzles come from this project's generator.

    import reasoning_gym
    import arith_puzzle.evaluation.harnesses.reasoning_gym_dataset

    data = reasoning_gym.create_dataset("arith_puzzle", seed=42, size=100)
    data.score_answer(data[0]["answer"], data[0])  # 1.0

An item depends on the seed, its index and the options, and not on ``size``. Every seed has random streams of its own,
so items of seed 42 do not return under seed 43. Items of the split ``train`` are puzzles that no test split of the
published datasets has, see ``puzzle.PARTITION_RULE``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import yaml

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.configs import Config, find_config
from arith_puzzle.dataset_builder.generate import generate_shard
from arith_puzzle.evaluation.harnesses.places import not_installed
from arith_puzzle.evaluation.harnesses.scoring import check_format, question, scores
from arith_puzzle.metrics.arith_puzzle_verifier.verify import rules_of

try:
    from reasoning_gym.coaching import BaseCurriculum, RangeAttributeDefinition, ScalarAttributeDefinition
    from reasoning_gym.factory import DATASETS, ProceduralDataset, register_dataset
except ModuleNotFoundError as error:
    if (error.name or "").split(".")[0] != "reasoning_gym":
        raise
    raise not_installed("reasoning_gym") from None

NAME = "arith_puzzle"
BATCH = 1000
"""Items that are generated at once. Another number gives other items."""
BATCHES_KEPT = 64
"""Batches that stay in memory, so that items can be read in any order."""
SPLITS = ("train", "test")


@dataclass
class ArithPuzzleConfig:
    """The options of the dataset.

    Attributes:
        min_n, max_n: the fewest and the most numbers of a puzzle, 2 to 15. All sizes are equally frequent.
        max_value: V; numbers and targets are in 1..V.
        rule, division, form: the rules, as in ``arith_puzzle.verify``.
        format: the prompt, "natural" or "symbolic".
        lenient: whether ``score_answer`` first puts an answer into strict form.
        split: "train" or "test", the part of the puzzles; see ``puzzle.PARTITION_RULE``.
        seed: at least 0; None: reasoning-gym draws one.
        size: number of items.
    """

    min_n: int = 3
    max_n: int = 4
    max_value: int = 60
    rule: str = "all"
    division: str = "exact"
    form: str = "equations"
    format: str = "natural"
    lenient: bool = False
    split: str = "train"
    seed: int | None = None
    size: int = 500

    def validate(self) -> None:
        """Raise InputError, a ValueError, for an option that is out of range."""
        for name, value, least in (("size", self.size, 1), ("min_n", self.min_n, 2), ("seed", self.seed or 0, 0)):
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise InputError(f"{name} must be an integer of at least {least}, not {value!r}")
        if self.split not in SPLITS:
            raise InputError(f"split must be one of {', '.join(SPLITS)}, not {self.split!r}")
        if not isinstance(self.max_n, int) or self.max_n < self.min_n:
            raise InputError(f"max_n must be an integer of at least min_n, {self.min_n}, not {self.max_n!r}")
        check_format(self.format)
        _config(self.content())

    def content(self) -> str:
        """The options as a config of this project's generator, in YAML."""
        sizes = dict.fromkeys(range(self.min_n, self.max_n + 1), 1)
        splits = {"train": {"rows": BATCH}, "test": {"rows": BATCH if self.split == "test" else len(sizes)}}
        keys = {"name": NAME, "v": self.max_value, "sizes": sizes, "splits": splits, "rule": self.rule,
                "division": self.division, "form": self.form}  # fmt: skip
        return yaml.safe_dump(keys, default_flow_style=True, sort_keys=False, width=1_000_000)


class ArithPuzzleDataset(ProceduralDataset):
    """Puzzles of one seed."""

    def __init__(self, config: ArithPuzzleConfig):
        super().__init__(config=config, seed=config.seed, size=config.size)
        self._content = config.content()

    def __getitem__(self, idx: int) -> dict[str, Any]:
        """Return {"question", "answer", "metadata"}. The answer is one of the solutions; any other scores the same.

        Raises:
            IndexError: ``idx`` is outside 0..size-1.
        """
        if not 0 <= idx < self.size:
            raise IndexError(f"index {idx} is outside 0..{self.size - 1}")
        row = _batch(self._content, self.config.split, self.seed, idx // BATCH)[idx % BATCH]
        given = {"numbers": list(row["numbers"]), "target": row["target"], **rules_of(row)}
        return {
            "question": question(given, self.config.format),
            "answer": row["completion"],
            "metadata": {
                "source_dataset": NAME,
                "source_index": idx,
                **given,
                "difficulty": {"n": (self.config.min_n, self.config.max_n), "max_value": self.config.max_value},
            },
        }

    def score_answer(self, answer: str | None, entry: dict[str, Any]) -> float:
        """Return 1.0 if the answer solves the entry's puzzle by the entry's rules, else 0.0. No answer raises."""
        return scores(entry["metadata"], answer)["lenient" if self.config.lenient else "strict"]


class ArithPuzzleCurriculum(BaseCurriculum):
    """More numbers, and larger ones."""

    def __init__(self):
        super().__init__(ArithPuzzleCurriculum.__name__, ArithPuzzleConfig)
        self._define_attributes(
            RangeAttributeDefinition(
                name="n",
                levels=[3, 4, 5, 6, 7, 8],
                description="Numbers of a puzzle",
                lower_field_name="min_n",
                upper_field_name="max_n",
            ),
            ScalarAttributeDefinition(
                name="max_value",
                field_name="max_value",
                levels=[20, 60, 100, 1000],
                description="Largest number and target",
            ),
        )


@lru_cache(maxsize=16)
def _config(content: str) -> Config:
    """The config, checked. Raises InputError."""
    return find_config(content)[1]


@lru_cache(maxsize=BATCHES_KEPT)
def _batch(content: str, split: str, seed: int, batch: int) -> list[dict]:
    """BATCH rows. The batch is part of the name of the random streams."""
    part = replace(_config(content), family=f"{NAME}/reasoning_gym/{batch}")
    return generate_shard(part, split, seed, 0).to_pylist()


if NAME not in DATASETS:
    register_dataset(NAME, ArithPuzzleDataset, ArithPuzzleConfig, ArithPuzzleCurriculum)
