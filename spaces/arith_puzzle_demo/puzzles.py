"""Puzzles to play: rows of the dataset's evaluation splits by difficulty, or made here where there is no dataset."""

from __future__ import annotations

import random
import threading
from itertools import islice

from backend import Settings, keep_loaded, one_line
from logic import Unavailable, facts
from model import IMPORTS

from arith_puzzle.common.errors import InputError

MAX_ROWS = 10_000
"""Rows of a split that are held to draw from: the first ones."""
MADE_HERE = "made here"
LEVELS = ("easy", "medium", "hard")
_KEPT = ("numbers", "target", "num_solutions", "difficulty")


class Puzzles:
    """Random puzzles. A split is read at the first need; after a failure the next need tries again."""

    def __init__(self, settings: Settings):
        self.settings = settings
        self.loading = False
        """Is the dataset being read ahead?"""
        self._rows: dict[str, list[dict]] = {}
        self._splits: dict | None = None
        self._reading = threading.Lock()

    def start(self) -> None:
        """Reads ahead, so that the first visitor need not wait."""
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
        """Where puzzles can come from just now: the splits, the set one first, and MADE_HERE."""
        known = list(self._splits or ())
        return [*sorted(known, key=lambda name: name != self.settings.split), MADE_HERE]

    def draw(self, source: str, level: str) -> dict:
        """A random puzzle of a level: a third of the split by its label ``difficulty``.

        Returns:
            ``logic.facts`` of the row.

        Raises:
            InputError: no such level or split. Unavailable: the dataset is not there.
        """
        if level not in LEVELS:
            raise InputError(f"a level is one of {', '.join(LEVELS)}; got {str(level)[:30]!r}")
        source = source or (self.settings.split if self.settings.dataset else MADE_HERE)
        if source == MADE_HERE:
            return facts(*make(3 + LEVELS.index(level)), source=MADE_HERE)
        rows = self.read(source)
        third = -(-len(rows) // 3)
        start = min(LEVELS.index(level) * third, len(rows) - 1)
        row = random.choice(rows[start : start + third])
        return facts(
            sorted(row["numbers"]), row["target"], source=f"{self.settings.config}/{source}",
            solutions=row.get("num_solutions"), difficulty=row.get("difficulty"),
        )  # fmt: skip

    def read(self, split: str) -> list[dict]:
        """The first MAX_ROWS of a split, from easy to hard.

        Raises:
            InputError: no such split. Unavailable: no dataset is set, or it cannot be read.
        """
        chosen = self.settings
        if not chosen.dataset:
            raise Unavailable("no dataset is set for this page: take a puzzle that is made here")
        with self._reading:
            try:
                if self._splits is None:
                    with IMPORTS:
                        from datasets import load_dataset
                    # Streamed, as else every split of the config would be fetched for the one that is used.
                    found = load_dataset(
                        chosen.dataset, chosen.config, revision=chosen.dataset_revision, streaming=True
                    )
                    self._splits = {name: rows for name, rows in found.items() if name != "train"}
                if split in self._splits and split not in self._rows:
                    rows = [{key: row.get(key) for key in _KEPT} for row in islice(self._splits[split], MAX_ROWS)]
                    self._rows[split] = sorted(rows, key=lambda row: row["difficulty"] or len(row["numbers"]))
            except Exception as error:
                raise Unavailable(f"the dataset could not be read: {one_line(error)}") from None
        if split not in self._splits:
            raise InputError(f"the dataset's splits are {', '.join(self._splits)}; got {split[:30]!r}")
        if not self._rows[split]:
            raise Unavailable(f"the dataset's split {chosen.config}/{split} is empty")
        return self._rows[split]


def make(count: int, largest: int = 60) -> tuple[list[int], int]:
    """Numbers and a target that they reach: random numbers, joined at random until the last lies in 1..largest."""
    while True:
        numbers = random.sample(range(1, largest + 1), count)
        pool = list(numbers)
        while len(pool) > 1:
            a, b = (pool.pop(random.randrange(len(pool))) for _ in range(2))
            ways = [a + b, a - b, a * b] + ([a // b] if b and a % b == 0 else [])
            pool.append(random.choice(ways))
        if 1 <= pool[0] <= largest and pool[0] not in numbers:
            return sorted(numbers), pool[0]
