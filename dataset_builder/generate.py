"""Rows from raw random bits: each is a pure function of (spec version, config family, split, seed, shard, position).

Candidates of one N are drawn from a Philox stream whose key is a hash of all of these; the row at
a position is the next accepted candidate of its N. NumPy promises the bits of a bit generator, not
the draws of its distributions, so every draw below is a multiply-and-shift on raw bits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numba import njit

from dataset_builder.puzzle import OPERATORS, SPEC_VERSION, completion, partition_mask, puzzle_keys, symbolic_prompt
from dataset_builder.solve import BOUND_FACTOR, apply_move, canonical, difficulty, solutions

BLOCK = 1 << 16
"""Candidates per block; each block is a stream of its own, so that none depends on another's length."""


@dataclass(frozen=True)
class SplitSpec:
    """One split: its rows, its sizes N (position p has ``n_values[p % len]``), V, and whether rows carry labels."""

    rows: int
    n_values: tuple[int, ...]
    v: int
    labels: bool

    @property
    def bound(self) -> int:
        """The bound on |intermediate|."""
        return BOUND_FACTOR * self.v


CONFIGS: dict[str, dict[str, SplitSpec]] = {
    "starter": {
        "train": SplitSpec(300_000, (3, 4), 60, labels=False),
        "validation": SplitSpec(1_000, (3, 4), 60, labels=True),
        "test": SplitSpec(2_000, (3, 4), 60, labels=True),
    },
}
"""Config -> split -> what it holds. All of ``starter`` carries canonical solutions."""

SHARD_ROWS = 1_000_000


def split_shards(spec: SplitSpec) -> list[int]:
    """Rows of each shard of a split."""
    full, rest = divmod(spec.rows, SHARD_ROWS)
    return [SHARD_ROWS] * full + [rest] * (rest > 0)


@njit(cache=True, nogil=True)
def _candidates(words, n, v, bound, numbers, targets):
    """Play each candidate from its raw words (uint64, n distinct numbers then n-1 steps); target 0 = rejected."""
    pool = np.empty(n, np.int64)
    legal = np.empty(6, np.int64)
    for row in range(words.shape[0]):
        targets[row] = 0
        ok = True
        for k in range(n):
            pool[k] = 1 + np.int64(((words[row, k] >> np.uint64(32)) * np.uint64(v)) >> np.uint64(32))
            for earlier in range(k):
                ok = ok and pool[earlier] != pool[k]
            numbers[row, k] = pool[k]
        m = n
        while ok and m > 1:
            word = words[row, 2 * n - m]
            pair = np.int64(((word >> np.uint64(32)) * np.uint64(m * (m - 1) // 2)) >> np.uint64(32))
            i = 0
            while pair >= m - 1 - i:
                pair -= m - 1 - i
                i += 1
            j = i + 1 + pair
            a, b = pool[i], pool[j]
            count = 0
            for move in range(6):
                c, ok_move = apply_move(a, b, move)
                if ok_move and -bound <= c <= bound:
                    legal[count] = c
                    count += 1
            if count == 0:
                ok = False
                break
            chosen = np.int64(((word & np.uint64(0xFFFFFFFF)) * np.uint64(count)) >> np.uint64(32))
            pool[i] = legal[chosen]
            pool[j] = pool[m - 1]
            m -= 1
        if ok and 1 <= pool[0] <= v:
            targets[row] = pool[0]


def stream_key(*parts: object) -> np.ndarray:
    """The Philox key of a stream, uint64 (2,): BLAKE2b-128 of the parts' text, joined by ``/``."""
    digest = hashlib.blake2b("/".join(map(str, parts)).encode(), digest_size=16).digest()
    return np.frombuffer(digest, dtype="<u8")


def puzzles(
    stream: tuple, rows: int, n: int, v: int, bound: int, split: str, *, unique: bool
) -> tuple[np.ndarray, np.ndarray]:
    """The first ``rows`` accepted puzzles of a stream.

    A candidate draws n numbers from 1..v and plays n-1 steps: a uniform pair of the pool, then a
    uniform one among its legal results. It is accepted if the numbers are distinct, the last result
    lies in 1..v, and its key belongs to ``split``.

    Args:
        stream: what identifies the stream, besides the spec version and n.
        unique: drop every puzzle whose key came before.

    Returns:
        numbers, int64 (rows, n), ascending in each row; targets, int64 (rows,).
    """
    parts_n, parts_t, have, block, seen = [], [], 0, 0, np.empty(0, np.uint64)
    words_each = 2 * n - 1
    while have < rows:
        key = stream_key(SPEC_VERSION, *stream, n, block)
        words = np.random.Philox(key=key).random_raw(BLOCK * words_each).reshape(BLOCK, words_each)
        numbers, targets = np.empty((BLOCK, n), np.int64), np.empty(BLOCK, np.int64)
        _candidates(words, n, v, bound, numbers, targets)
        kept = targets > 0
        numbers, targets = np.sort(numbers[kept], axis=1), targets[kept]
        keys = puzzle_keys(numbers, targets)
        kept = partition_mask(keys, split)
        if unique:
            first = np.zeros(len(keys), bool)
            first[np.unique(keys, return_index=True)[1]] = True
            kept &= first & ~np.isin(keys, seen)
            seen = np.concatenate([seen, keys[kept]])
        parts_n.append(numbers[kept])
        parts_t.append(targets[kept])
        have += len(parts_t[-1])
        block += 1
    return np.concatenate(parts_n)[:rows], np.concatenate(parts_t)[:rows]


def generate_shard(config: str, split: str, seed: int, shard: int) -> Iterator[dict]:
    """The rows of one shard, in order, as dicts with the dataset's columns."""
    spec = CONFIGS[config][split]
    rows = split_shards(spec)[shard]
    columns = []
    for index, n in enumerate(spec.n_values):
        share = len(range(index, rows, len(spec.n_values)))
        stream = (config, split, seed, shard)
        numbers, targets = puzzles(stream, share, n, spec.v, spec.bound, split, unique=spec.labels)
        equations, found = canonical(numbers, targets, spec.bound)
        if not found.all():
            raise AssertionError(f"a generated puzzle has no solution: {numbers[~found][0]}")
        columns.append(zip(numbers.tolist(), targets.tolist(), equations.tolist(), strict=True))
    for position in range(rows):
        numbers, target, equations = next(columns[position % len(columns)])
        row = {
            "numbers": numbers,
            "target": target,
            "prompt": symbolic_prompt(numbers, target),
            "completion": completion((a, OPERATORS[op], b, c) for a, op, b, c in equations),
            "n": len(numbers),
        }
        if spec.labels:
            row["num_solutions"] = sum(1 for _ in solutions(numbers, target, bound=spec.bound))
            row["difficulty"] = difficulty(numbers, target, spec.bound)
        yield row
