"""Write the label cache: the exact labels of all splits that have labels, at seed 0.

    python -m arith_puzzle.dataset_builder.solver.write_label_cache

Run it after a change of the labels or of the evaluation splits. It takes some minutes.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from arith_puzzle.dataset_builder.configs import CONFIGS, Config
from arith_puzzle.dataset_builder.generate import generate_shard
from arith_puzzle.dataset_builder.puzzle import puzzle_keys
from arith_puzzle.dataset_builder.solver import label_cache


def write(out: Path = label_cache.FILE) -> Path:
    """Compute the labels and write them to ``out``, a Parquet file sorted by puzzle key. Return ``out``."""
    parts = []
    for name in ("1m", "starter"):  # 10m and 100m have the evaluation splits of 1m
        for split, spec in CONFIGS[name].splits.items():
            if not spec.labels:
                continue
            bare = Config(CONFIGS[name].family, {split: replace(spec, labels=False)})
            rows = generate_shard(bare, split, 0, 0)
            for n in spec.n_values:
                part = rows.filter(rows["n"].to_numpy() == n)
                numbers = part["numbers"].combine_chunks().flatten().to_numpy().reshape(-1, n).astype(np.int64)
                targets = part["target"].to_numpy().astype(np.int64)
                counts, shares = label_cache.computed_labels(numbers, targets, spec.bound)
                same = {"n": np.int8(n), "bound": np.int32(spec.bound)}
                parts.append(pa.table({
                    "key": puzzle_keys(numbers, targets),
                    **{key: np.full(len(targets), value) for key, value in same.items()},
                    "num_solutions": counts,
                    "difficulty": shares,
                }))  # fmt: skip
                print(f"{name}/{split}, N={n}: {len(targets):,} rows", flush=True)
    table = pa.concat_tables(parts).sort_by("key")
    pq.write_table(table, out, compression="zstd", use_dictionary=["n", "bound"])
    return out


if __name__ == "__main__":
    print(write())
