"""Arithmetic puzzles as a taskset for ``verifiers`` 0.4: the rows of a split, judged by the exact verifier."""

from typing import Literal

import verifiers.v1 as vf
from pydantic import model_validator

import arith_puzzle
from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.configs import find_config
from arith_puzzle.dataset_builder.puzzle import natural_prompt
from arith_puzzle.metrics.arith_puzzle_verifier.verify import rules_of

__all__ = ["ArithPuzzleTaskset"]


class PuzzleData(vf.TaskData):
    """A row: the puzzle, the options of ``verify`` that are not the defaults, and the row's own solution."""

    numbers: list[int]
    target: int
    rules: dict[str, str] = {}  # noqa: RUF012 -- pydantic copies it
    solution: str


class PuzzleTask(vf.Task[PuzzleData]):
    """One puzzle. The last reply is judged as it is."""

    @vf.reward(weight=1.0)
    async def solved(self, trace: vf.Trace) -> float:
        """1.0 if the last reply solves the puzzle."""
        replies = trace.assistant_messages
        return float(self._verdict(replies[-1].content or "" if replies else "").correct)

    async def validate(self, runtime: vf.Runtime) -> bool:
        """Whether the row's own solution is right."""
        return self._verdict(self.data.solution).correct

    def _verdict(self, response: str) -> arith_puzzle.Verdict:
        return arith_puzzle.verify(self.data.numbers, self.data.target, response, **self.data.rules)


class PuzzleConfig(vf.TasksetConfig):
    """Which rows are the tasks."""

    config: str = "starter"
    """A config of the dataset, or the path of a YAML file with one."""
    split: str = "test"
    """A split of the config."""
    rows: int = 100
    """The first rows of the split."""
    seed: int | None = None
    """The seed of the dataset. Unset: that of the config, which gives the published rows."""
    format: Literal["natural", "symbolic"] = "natural"
    """The prompt: rules and puzzle in English, or the puzzle alone."""

    @model_validator(mode="after")
    def _exists(self) -> "PuzzleConfig":
        splits = find_config(self.config, self.seed)[1].splits
        if self.split not in splits or self.rows < 1:
            raise InputError(f"{self.config} has the splits {', '.join(splits)}, and rows is at least 1; "
                             f"got {self.split!r} and {self.rows}")  # fmt: skip
        return self


class ArithPuzzleTaskset(vf.Taskset[PuzzleTask, PuzzleConfig]):
    """The first rows of a split. They are generated, not downloaded."""

    def load(self) -> list[PuzzleTask]:
        """The tasks."""
        chosen = self.config
        rows = arith_puzzle.generate(chosen.config, chosen.split, rows=chosen.rows, seed=chosen.seed)
        return [PuzzleTask(self._data(row), chosen.task) for row in rows]

    def _data(self, row: dict) -> PuzzleData:
        numbers, target, rules = row["numbers"], row["target"], rules_of(row)
        prompt = row["prompt"] if self.config.format == "symbolic" else natural_prompt(numbers, target, **rules)
        return PuzzleData(prompt=prompt, numbers=numbers, target=target, rules=rules, solution=row["completion"])
