"""The label cache: exact labels of the released evaluation splits (seed 0), stored in ``label_cache.parquet``.

The rows of a dataset take seconds to generate, but their labels take a minute. So labels are read from the cache, and
only those that it lacks are computed, such as those of another seed. ``write_label_cache`` beside it writes the file.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from arith_puzzle.dataset_builder.puzzle import puzzle_keys
from arith_puzzle.dataset_builder.solver.labels import count_solutions, difficulty_rows

FILE = Path(__file__).with_name("label_cache.parquet")


def label_rows(numbers: np.ndarray, targets: np.ndarray, bound: int) -> tuple[np.ndarray, np.ndarray]:
    """The labels of puzzles, from the cache where it has them, else computed.

    Args:
        numbers: int64 (rows, n), ascending in each row.
        targets: int64 (rows,).
        bound: upper bound on the absolute value of intermediate results.

    Returns:
        Number of solutions, int32 (rows,), and difficulty, float32 (rows,); see
        ``arith_puzzle.dataset_builder.solver.labels``.

    Raises:
        InputError: as ``labels.count_solutions``.
    """
    known = _known()
    keys = puzzle_keys(numbers, targets)
    at = np.minimum(np.searchsorted(known["key"], keys), max(len(known["key"]) - 1, 0))
    found = np.zeros(len(keys), bool)
    if len(known["key"]):
        found = (known["key"][at] == keys) & (known["bound"][at] == bound) & (known["n"][at] == numbers.shape[1])
    counts, shares = np.zeros(len(keys), np.int32), np.zeros(len(keys), np.float32)
    counts[found], shares[found] = known["num_solutions"][at[found]], known["difficulty"][at[found]]
    if not found.all():
        counts[~found], shares[~found] = computed_labels(numbers[~found], targets[~found], bound)
    return counts, shares


def computed_labels(numbers: np.ndarray, targets: np.ndarray, bound: int) -> tuple[np.ndarray, np.ndarray]:
    """As ``label_rows``, but without the cache."""
    counts = count_solutions(numbers, targets, bound=bound).astype(np.int32)
    return counts, difficulty_rows(numbers, targets, bound=bound).astype(np.float32)


@lru_cache(maxsize=1)
def _known() -> dict[str, np.ndarray]:
    columns = ("key", "n", "bound", "num_solutions", "difficulty")
    if not FILE.is_file():  # the loading script is published without it
        return {name: np.empty(0, np.uint64) for name in columns}
    table = pq.read_table(FILE)
    return {name: table[name].to_numpy() for name in columns}
