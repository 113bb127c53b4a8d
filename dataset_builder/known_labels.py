"""The labels of the released evaluation splits, computed once: exact labels take a minute where rows take seconds.

python -m dataset_builder.known_labels

computes them all anew (spec SPEC_VERSION, seed 0) and writes ``known_labels.parquet`` beside this file. ``build`` takes
from it what it holds and computes the rest, so that other seeds work alike; the tests compute samples again, the
slow tests all of it.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dataset_builder.labels import count_solutions, difficulty_rows
from dataset_builder.puzzle import puzzle_keys

FILE = Path(__file__).with_name("known_labels.parquet")


def label_rows(numbers: np.ndarray, targets: np.ndarray, bound: int) -> tuple[np.ndarray, np.ndarray]:
    """Number of solutions, int32 (rows,), and difficulty, float32 (rows,), known or computed.

    Args:
        numbers: int64 (rows, n), ascending; targets: int64 (rows,); bound: on |intermediate|.
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
    """As ``label_rows``, by the solver alone."""
    counts = count_solutions(numbers, targets, bound=bound).astype(np.int32)
    return counts, difficulty_rows(numbers, targets, bound=bound).astype(np.float32)


@lru_cache(maxsize=1)
def _known() -> dict[str, np.ndarray]:
    columns = ("key", "n", "bound", "num_solutions", "difficulty")
    if not FILE.is_file():  # the loading script comes without it
        return {name: np.empty(0, np.uint64) for name in columns}
    table = pq.read_table(FILE)
    return {name: table[name].to_numpy() for name in columns}


def write() -> Path:
    """Compute the labels of every labelled split of every config at seed 0, and write FILE, sorted by key."""
    from dataset_builder.generate import CONFIGS, Config, generate_shard

    parts = []
    for name in ("1m", "starter"):  # the paper's sizes share their evaluation splits
        for split, spec in CONFIGS[name].splits.items():
            if not spec.labels:
                continue
            bare = Config(CONFIGS[name].family, {split: replace(spec, labels=False)})
            rows = generate_shard(bare, split, 0, 0)
            for n in spec.n_values:
                part = rows.filter(rows["n"].to_numpy() == n)
                numbers = part["numbers"].combine_chunks().flatten().to_numpy().reshape(-1, n).astype(np.int64)
                targets = part["target"].to_numpy().astype(np.int64)
                counts, shares = computed_labels(numbers, targets, spec.bound)
                same = {"n": np.int8(n), "bound": np.int32(spec.bound)}
                parts.append(pa.table({
                    "key": puzzle_keys(numbers, targets),
                    **{key: np.full(len(targets), value) for key, value in same.items()},
                    "num_solutions": counts,
                    "difficulty": shares,
                }))  # fmt: skip
                print(f"{name}/{split}, N={n}: {len(targets):,} rows", flush=True)
    table = pa.concat_tables(parts).sort_by("key")
    pq.write_table(table, FILE, compression="zstd", use_dictionary=["n", "bound"])
    return FILE


if __name__ == "__main__":
    print(write())
