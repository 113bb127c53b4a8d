"""Puzzles to play: rows of the dataset's evaluation splits by difficulty, or random puzzles that are made here."""

from __future__ import annotations

import random
import threading
from itertools import islice

from backend import Settings, keep_loaded, one_line
from logic import Unavailable, facts
from model import IMPORTS

from arith_puzzle.common.datasets_cache import datasets_cache
from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.solver.solve import default_bound
from arith_puzzle.metrics.arith_puzzle_verifier.verify import RULE_COLUMNS, rules_of

MAX_ROWS = 10_000
"""Only the first MAX_ROWS rows of a split are kept in memory."""
MADE_HERE = "made here"
LEVELS = ("easy", "medium", "hard")
_KEPT = ("numbers", "target", "num_solutions", "difficulty", *RULE_COLUMNS)


class Puzzles:
    """Draws puzzles at random. A split is read when it is first needed. After a failure the next call tries again."""

    def __init__(self, settings: Settings):
        self.settings = settings
        self.rules: dict[str, str] = settings.rules or {}
        """The options of ``verify``, by the settings or, once it is read, by the dataset."""
        self.loading = False
        """Whether the dataset is being read in the background."""
        self._rows: dict[str, list[dict]] = {}
        self._splits: dict | None = None
        self._reading = threading.Lock()

    def start(self) -> None:
        """Read the default split in the background, so that the first visitor does not wait."""
        if self.settings.dataset:
            self.loading = True
            threading.Thread(target=self._try_read, daemon=True).start()

    def _try_read(self) -> None:
        try:
            self.read(self.settings.split)
        except Unavailable as error:
            print(error, flush=True)
        finally:
            self.loading = False
            keep_loaded()

    def sources(self) -> list[str]:
        """The present sources of puzzles: the splits, with the default split first, and MADE_HERE."""
        known = list(self._splits or ())
        return [*sorted(known, key=lambda name: name != self.settings.split), MADE_HERE]

    def draw(self, source: str, level: str) -> dict:
        """Draw a random puzzle.

        Args:
            source: a split, or MADE_HERE; empty for the default split.
            level: one of LEVELS. Each is a third of the split, sorted by the label ``difficulty``.

        Returns:
            ``logic.facts`` of the row.

        Raises:
            InputError: there is no such level or split.
            Unavailable: there is no dataset, or it cannot be read.
        """
        if level not in LEVELS:
            raise InputError(f"a level is one of {', '.join(LEVELS)}; got {str(level)[:30]!r}")
        source = source or (self.settings.split if self.settings.dataset else MADE_HERE)
        if source == MADE_HERE:
            return facts(*make(3 + LEVELS.index(level)), source=MADE_HERE, rules=self.rules)
        rows = self.read(source)
        third = -(-len(rows) // 3)
        start = min(LEVELS.index(level) * third, len(rows) - 1)
        row = random.choice(rows[start : start + third])
        return facts(
            sorted(row["numbers"]), row["target"], source=f"{self.settings.config}/{source}",
            solutions=row.get("num_solutions"), difficulty=row.get("difficulty"), rules=self.rules,
        )  # fmt: skip

    def read(self, split: str) -> list[dict]:
        """The first MAX_ROWS rows of a split, sorted from easy to hard.

        Raises:
            InputError: there is no such split.
            Unavailable: no dataset is set, or it cannot be read.
        """
        chosen = self.settings
        if not chosen.dataset:
            raise Unavailable(f"no dataset is set for this page: set split to {MADE_HERE!r}")
        with self._reading:
            try:
                if self._splits is None:
                    with IMPORTS:
                        from datasets import load_dataset
                    # Streaming, because otherwise all splits of the config would be downloaded.
                    found = load_dataset(
                        chosen.dataset, chosen.config, revision=chosen.dataset_revision, streaming=True,
                        cache_dir=datasets_cache(chosen.dataset),
                    )  # fmt: skip
                    self._splits = {name: rows for name, rows in found.items() if name != "train"}
                if split in self._splits and split not in self._rows:
                    rows = [{key: row.get(key) for key in _KEPT} for row in islice(self._splits[split], MAX_ROWS)]
                    self.rules = rules_of(rows[0]) if rows else self.rules
                    self._rows[split] = sorted(rows, key=lambda row: row["difficulty"] or len(row["numbers"]))
            except Exception as error:
                raise Unavailable(f"the dataset could not be read: {one_line(error)}") from None
        if split not in self._splits:
            raise InputError(f"the dataset's splits are {', '.join(self._splits)}; got {split[:30]!r}")
        if not self._rows[split]:
            raise Unavailable(f"the dataset's split {chosen.config}/{split} is empty")
        return self._rows[split]


def make(count: int, largest: int = 60) -> tuple[list[int], int]:
    """Random distinct numbers from 1 to ``largest``, and a target in that range that random operations on them give.

    Intermediate results keep to the solver's bound, so that the solver finds a solution of every puzzle.
    """
    while True:
        numbers = random.sample(range(1, largest + 1), count)
        bound = default_bound(numbers, largest)
        pool = list(numbers)
        while len(pool) > 1:
            a, b = (pool.pop(random.randrange(len(pool))) for _ in range(2))
            ways = [a + b, a - b, a * b] + ([a // b] if b and a % b == 0 else [])
            pool.append(random.choice([way for way in ways if abs(way) <= bound]))
        if 1 <= pool[0] <= largest and pool[0] not in numbers:
            return sorted(numbers), pool[0]
