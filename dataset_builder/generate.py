"""Rows from raw random bits: each is a pure function of (spec version, family, split, seed, shard, position).

Candidates of one N are drawn from Philox streams whose keys are hashes of all of these; the row at a
position is the next accepted candidate of its N. NumPy promises the bits of a bit generator, not the
draws of its distributions, so every draw is a multiply-and-shift on raw bits.
"""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.candidates import play, to_normal_form
from arith_puzzle.dataset_builder.configs import Config, SplitSpec, shard_sizes
from arith_puzzle.dataset_builder.puzzle import SPEC_VERSION, partition_mask, puzzle_keys
from arith_puzzle.dataset_builder.text import completions, prompts

BLOCK = 1 << 16
"""Candidates per block; each block is a stream of its own, so that none depends on another's length."""
BARREN_BLOCKS = 50
"""After so many blocks in a row without a new puzzle there are not enough of them."""
LABELS = ("num_solutions", "difficulty")

SCHEMA = pa.schema(
    {
        "numbers": pa.list_(pa.int32()),
        "target": pa.int32(),
        "prompt": pa.string(),
        "completion": pa.string(),
        "n": pa.int8(),
        "num_solutions": pa.int32(),
        "difficulty": pa.float32(),
    }
)
"""All splits of a config share one schema, or ``load_dataset`` refuses them; ``train`` holds null labels."""


def stream_key(*parts: object) -> np.ndarray:
    """The Philox key of a stream, uint64 (2,): BLAKE2b-128 of the parts' text, joined by ``/``."""
    digest = hashlib.blake2b("/".join(map(str, parts)).encode(), digest_size=16).digest()
    return np.frombuffer(digest, dtype="<u8")


def puzzles(
    stream: tuple, rows: int, n: int, v: int, bound: int, split: str, *, unique: bool, at_least: int = 1
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The first ``rows`` accepted puzzles of a stream.

    A candidate draws n numbers from 1..v and plays n-1 steps: a uniform pair of the pool, then a uniform one among
    its legal results. It is accepted if the numbers are distinct, the largest is at least ``at_least``, the last
    result lies in 1..v, and its key belongs to ``split``.

    Args:
        stream: what identifies the stream, besides the spec version and n.
        unique: drop every puzzle whose key came before.

    Returns:
        numbers, int64 (rows, n), ascending in each row; targets, int64 (rows,); equations, int64 (rows, n-1, 4), of
        the solution that made each puzzle, in normal form: a, operator index in ``+-*/``, b, c.
    """
    kept_rows: list[tuple[np.ndarray, ...]] = []
    have, block, seen = 0, 0, np.empty(0, np.uint64)
    words_each = 2 * n - 1
    numbers, targets = np.empty((BLOCK, n), np.int64), np.empty(BLOCK, np.int64)
    equations = np.empty((BLOCK, n - 1, 4), np.int64)
    barren = 0
    while have < rows:
        if barren == BARREN_BLOCKS:
            raise InputError(f"not to be found: {rows:,} puzzles of N={n}, V={v} for {split!r}; there are {have:,}")
        key = stream_key(SPEC_VERSION, *stream, n, block)
        words = np.random.Philox(key=key).random_raw(BLOCK * words_each).reshape(BLOCK, words_each)
        count = play(words, n, v, bound, at_least, numbers, targets, equations)
        ascending = np.sort(numbers[:count], axis=1)
        keys = puzzle_keys(ascending, targets[:count])
        kept = partition_mask(keys, split)
        if unique:
            first = np.zeros(count, bool)
            first[np.unique(keys, return_index=True)[1]] = True
            kept &= first & ~np.isin(keys, seen)
            seen = np.concatenate([seen, keys[kept]])
        kept_rows.append((ascending[kept], targets[:count][kept], equations[:count][kept]))
        have += int(kept.sum())
        barren = 0 if kept.any() else barren + 1
        block += 1
    found = tuple(np.concatenate(parts)[:rows] for parts in zip(*kept_rows, strict=True))
    to_normal_form(found[0], found[2])
    return found


def generate_shard(config: Config, split: str, seed: int, shard: int) -> pa.Table:
    """The rows of one shard, in order, with the columns of SCHEMA."""
    spec = config.splits[split]
    rows = shard_sizes(spec)[shard]
    # the completion is no part of the stream: the same puzzles, whichever solution they carry
    stream = (config.family.split("-")[0], split, seed, shard)
    shares = [len(range(index, rows, len(spec.n_values))) for index in range(len(spec.n_values))]

    def part(n: int, share: int) -> tuple[pa.Table, np.ndarray]:
        numbers, targets, equations = puzzles(
            stream, share, n, spec.v, spec.bound, split, unique=split != "train", at_least=spec.at_least
        )
        if spec.paths > 1:
            return _with_paths(numbers, targets, spec)
        if spec.solutions == "canonical":
            equations = canonical_equations(numbers, targets, spec.bound)
        return _table(numbers, targets, equations, spec), np.ones(share, np.int64)

    with ThreadPoolExecutor(len(shares)) as pool:  # the work is compiled and holds no lock
        parts = list(pool.map(part, spec.n_values, shares))
    # puzzle p is the next of its N; its rows stand together
    first = np.cumsum([0, *shares[:-1]])
    position = np.arange(rows)
    puzzle = first[position % len(shares)] + position // len(shares)
    lengths = np.concatenate([length for _, length in parts])
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    lengths, starts = lengths[puzzle], starts[puzzle]
    within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    order = np.repeat(starts, lengths) + within
    return pa.concat_tables([table for table, _ in parts]).take(pa.array(order)).combine_chunks()


def _with_paths(numbers: np.ndarray, targets: np.ndarray, spec: SplitSpec) -> tuple[pa.Table, np.ndarray]:
    """Up to ``spec.paths`` rows for each puzzle, and how many it has."""
    from arith_puzzle.dataset_builder.solver.canonical import paths

    equations, found = paths(numbers, targets, spec.paths, spec.bound)
    kept = np.arange(spec.paths)[None, :] < found[:, None]
    table = _table(np.repeat(numbers, found, axis=0), np.repeat(targets, found), equations[kept], spec)
    return table, found.astype(np.int64)


def canonical_equations(numbers: np.ndarray, targets: np.ndarray, bound: int) -> np.ndarray:
    """The canonical solutions of solvable puzzles; shapes and dtypes as in ``puzzles``."""
    from arith_puzzle.dataset_builder.solver.canonical import canonical

    equations, found = canonical(numbers, targets, bound)
    if not found.all():
        raise AssertionError(f"a generated puzzle has no solution: {numbers[~found][0]}, {targets[~found][0]}")
    return equations


def _table(numbers: np.ndarray, targets: np.ndarray, equations: np.ndarray, spec: SplitSpec) -> pa.Table:
    rows, n = numbers.shape
    offsets = pa.array(np.arange(0, rows * n + 1, n, dtype=np.int32))
    columns = {
        "numbers": pa.ListArray.from_arrays(offsets, pa.array(numbers.astype(np.int32).ravel())),
        "target": pa.array(targets.astype(np.int32)),
        "prompt": prompts(numbers, targets),
        "completion": completions(equations),
        "n": pa.array(np.full(rows, n, np.int8)),
        **_labels(numbers, targets, spec),
    }
    return pa.table(columns, schema=SCHEMA)


def _labels(numbers: np.ndarray, targets: np.ndarray, spec: SplitSpec) -> dict[str, pa.Array]:
    if not spec.labels:
        return {label: pa.nulls(len(targets), SCHEMA.field(label).type) for label in LABELS}
    from arith_puzzle.dataset_builder.solver.label_cache import label_rows

    counts, shares = label_rows(numbers, targets, spec.bound)
    return {"num_solutions": pa.array(counts), "difficulty": pa.array(shares)}
