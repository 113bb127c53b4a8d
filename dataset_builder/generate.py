"""Make the rows of a shard: draw puzzles (`candidates`, `by_rules`), keep those of the split, write texts and labels.

A row depends only on the spec version, the family of its config, the split, the seed, the shard and its position.

For each N, candidates come from Philox streams, one for each block of candidates. The key of a stream is a hash of the
other values, N and the number of the block. Position p of a shard takes the next accepted candidate of its N. NumPy
guarantees the raw bits of a bit generator across releases, but not the draws of its distributions. So every draw here
is a multiplication and a shift of raw bits.
"""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pyarrow as pa

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.by_rules import draw_options, play_by_rules, solution_texts
from arith_puzzle.dataset_builder.candidates import play
from arith_puzzle.dataset_builder.configs import Config, SplitSpec, shard_sizes
from arith_puzzle.dataset_builder.normal_form import to_normal_form
from arith_puzzle.dataset_builder.puzzle import SPEC_VERSION, parse_completion, partition_mask, puzzle_keys
from arith_puzzle.dataset_builder.text import completions, prompts
from arith_puzzle.metrics.arith_puzzle_verifier.verify import to_expression

BLOCK = 1 << 16
"""Candidates per block. Each block has its own random stream."""
BARREN_BLOCKS = 50
"""Give up after this number of consecutive blocks without a new puzzle: there are too few puzzles."""
LABELS = ("num_solutions", "difficulty")
"""Columns that only evaluation splits have; see ``arith_puzzle.dataset_builder.solver.labels``."""

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
"""The columns of every row. ``load_dataset`` requires one schema for all splits, so labels are null in ``train``."""


def schema_of(rules: dict[str, str]) -> pa.Schema:
    """SCHEMA, and a column for each of ``SplitSpec.rules``."""
    return pa.schema([*SCHEMA, *(pa.field(name, pa.string()) for name in rules)])


def stream_key(*parts: object) -> np.ndarray:
    """The Philox key of a random stream, uint64 (2,): the BLAKE2b-128 hash of the parts, joined by ``/``."""
    digest = hashlib.blake2b("/".join(map(str, parts)).encode(), digest_size=16).digest()
    return np.frombuffer(digest, dtype="<u8")


def puzzles(
    stream: tuple,
    rows: int,
    n: int,
    v: int,
    bound: int,
    split: str,
    *,
    unique: bool,
    at_least: int = 1,
    targets_in: tuple[int, int] | None = None,
    repeat: bool = False,
    rules: tuple[bool, int, np.ndarray] | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The first ``rows`` accepted puzzles of a random stream.

    A candidate draws n numbers from 1..v. Then each of n-1 steps draws a pair of numbers from the pool, uniformly, and
    one of the legal results of the pair, uniformly. The last result is the target. A candidate is accepted if its
    numbers are distinct (unless ``repeat``), the largest is at least ``at_least``, the target is in ``targets_in`` (by
    default 1..v), and the key of the puzzle belongs to ``split``.

    Args:
        stream: what identifies the stream, besides the spec version and n.
        bound: upper bound on the absolute value of results.
        unique: accept each puzzle only once.
        rules: None for the paper's rules, else ``by_rules.draw_options``.

    Returns:
        numbers, int64 (rows, n), ascending in each row.
        targets, int64 (rows,).
        equations, int64 (rows, n-1, 4): the drawn solution in normal form, each (a, operator index in ``+-*/``, b, c).

    Raises:
        InputError: there are too few such puzzles.
    """
    kept_rows: list[tuple[np.ndarray, ...]] = []
    have, block, seen = 0, 0, np.empty(0, np.uint64)
    words_each = 2 * n - 1 if rules is None else 2 * n
    low, high = targets_in or (1, v)
    numbers, targets = np.empty((BLOCK, n), np.int64), np.empty(BLOCK, np.int64)
    equations = np.empty((BLOCK, n - 1, 4 if rules is None else 7), np.int64)
    barren = 0
    while have < rows:
        if barren == BARREN_BLOCKS:
            raise InputError(
                f"{have:,} of {rows:,} puzzles with N={n}, V={v} for split {split!r} were found, and {BARREN_BLOCKS} x "
                f"{BLOCK:,} more draws found no other; lower the rows, raise V, or widen targets and bound"
            )
        key = stream_key(SPEC_VERSION, *stream, n, block)
        words = np.random.Philox(key=key).random_raw(BLOCK * words_each).reshape(BLOCK, words_each)
        given = (words, n, v, bound, at_least, low, high, repeat)
        if rules is None:
            count = play(*given, numbers, targets, equations)
        else:
            count = play_by_rules(*given, *rules, numbers, targets, equations)
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
    numbers, targets, equations = (np.concatenate(parts)[:rows] for parts in zip(*kept_rows, strict=True))
    if rules is None:
        to_normal_form(numbers, equations)
    return numbers, targets, equations


def generate_shard(config: Config, split: str, seed: int, shard: int) -> pa.Table:
    """The rows of one shard, in order, with the columns of SCHEMA."""
    spec = config.splits[split]
    rows = shard_sizes(spec)[shard]
    stream = (config.family, split, seed, shard)  # without the suffix: other completions have the same puzzles
    pattern = np.array(spec.n_values)
    sizes = list(dict.fromkeys(spec.n_values))
    size = np.array([sizes.index(n) for n in spec.n_values])[np.arange(rows) % len(pattern)]  # of each position
    shares = np.bincount(size, minlength=len(sizes)).tolist()

    def part(n: int, share: int) -> tuple[pa.Table, np.ndarray]:
        numbers, targets, equations = puzzles(
            stream, share, n, spec.v, spec.bound, split, unique=split != "train", at_least=spec.at_least,
            targets_in=spec.target_range, repeat=spec.repeat,
            rules=None if spec.paper_moves else draw_options(spec.operations, spec.rule, spec.division),
        )  # fmt: skip
        if spec.paths > 1:
            return _with_paths(numbers, targets, spec)
        if spec.solutions == "canonical" and not spec.paper_moves:
            texts = _canonical_texts(numbers, targets, spec)
        elif not spec.paper_moves:
            texts = pa.array(solution_texts(numbers, equations, spec.form), pa.string())
        else:
            if spec.solutions == "canonical":
                equations = canonical_equations(numbers, targets, spec.bound)
            texts = _texts(numbers, equations, spec)
        return _table(numbers, targets, texts, spec), np.ones(share, np.int64)

    with ThreadPoolExecutor(len(shares)) as pool:  # the compiled code releases the GIL
        parts = list(pool.map(part, sizes, shares))
    # the N values take turns, and the rows of one puzzle stay together
    puzzle = np.empty(rows, np.int64)
    puzzle[np.argsort(size, kind="stable")] = np.arange(rows)
    lengths = np.concatenate([length for _, length in parts])
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    lengths, starts = lengths[puzzle], starts[puzzle]
    within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    order = np.repeat(starts, lengths) + within
    return pa.concat_tables([table for table, _ in parts]).take(pa.array(order)).combine_chunks()


def _with_paths(numbers: np.ndarray, targets: np.ndarray, spec: SplitSpec) -> tuple[pa.Table, np.ndarray]:
    """(up to ``spec.paths`` rows for each puzzle, number of rows of each puzzle int64)."""
    from arith_puzzle.dataset_builder.solver.canonical import paths

    equations, found = paths(numbers, targets, spec.paths, spec.bound)
    kept = np.arange(spec.paths)[None, :] < found[:, None]
    numbers, targets = np.repeat(numbers, found, axis=0), np.repeat(targets, found)
    table = _table(numbers, targets, _texts(numbers, equations[kept], spec), spec)
    return table, found.astype(np.int64)


def canonical_equations(numbers: np.ndarray, targets: np.ndarray, bound: int) -> np.ndarray:
    """The canonical solutions of solvable puzzles; shapes and dtypes as in ``puzzles``."""
    from arith_puzzle.dataset_builder.solver.canonical import canonical

    equations, found = canonical(numbers, targets, bound)
    if not found.all():
        raise AssertionError(f"a generated puzzle has no solution: {numbers[~found][0]}, {targets[~found][0]}")
    return equations


def _texts(numbers: np.ndarray, equations: np.ndarray, spec: SplitSpec) -> pa.StringArray:
    """The completions of solutions with the paper's moves."""
    texts = completions(equations)
    if spec.form == "equations":
        return texts
    pairs = zip(numbers.tolist(), texts.to_pylist(), strict=True)
    return pa.array([to_expression(given, parse_completion(text)) for given, text in pairs], pa.string())


def _canonical_texts(numbers: np.ndarray, targets: np.ndarray, spec: SplitSpec) -> pa.StringArray:
    """The canonical solutions by other rules than the paper's."""
    from arith_puzzle.dataset_builder.solver.analysis import canonical_solution

    rows = zip(numbers.tolist(), targets.tolist(), strict=True)
    options: dict[str, Any] = {"bound": spec.bound, "operations": spec.operations, **spec.rules}
    return pa.array([canonical_solution(given, target, **options) for given, target in rows], pa.string())


def _table(numbers: np.ndarray, targets: np.ndarray, texts: pa.Array, spec: SplitSpec) -> pa.Table:
    rows, n = numbers.shape
    offsets = pa.array(np.arange(0, rows * n + 1, n, dtype=np.int32))
    columns = {
        "numbers": pa.ListArray.from_arrays(offsets, pa.array(numbers.astype(np.int32).ravel())),
        "target": pa.array(targets.astype(np.int32)),
        "prompt": prompts(numbers, targets),
        "completion": texts,
        "n": pa.array(np.full(rows, n, np.int8)),
        **_labels(numbers, targets, spec),
        **{name: pa.array([value] * rows) for name, value in spec.rules.items()},
    }
    return pa.table(columns, schema=schema_of(spec.rules))


def _labels(numbers: np.ndarray, targets: np.ndarray, spec: SplitSpec) -> dict[str, pa.Array]:
    if not spec.labels:
        return {label: pa.nulls(len(targets), SCHEMA.field(label).type) for label in LABELS}
    if spec.rule == "all" and spec.division == "exact":
        from arith_puzzle.dataset_builder.solver.label_cache import label_rows

        counts, shares = label_rows(numbers, targets, spec.bound)
    else:
        from arith_puzzle.dataset_builder.solver.analysis import labels

        rows = zip(numbers.tolist(), targets.tolist(), strict=True)
        found = [labels(given, target, bound=spec.bound, **spec.rules) for given, target in rows]
        counts = np.array([label.num_solutions for label in found], np.int32)
        shares = np.array([label.difficulty for label in found], np.float32)
    return {"num_solutions": pa.array(counts), "difficulty": pa.array(shares)}
