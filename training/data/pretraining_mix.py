"""The pretraining mix of the base models: single equations, puzzles with small numbers, and fragments of search traces.

It is not a config of the published dataset. The section ``drills`` of a recipe describes it, and the rows depend only
on that section and the seed. All puzzles, even those of the fragments, belong to the split ``train`` by their keys. So
no puzzle of an evaluation split is in the mix.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pyarrow as pa

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.configs import CONFIGS
from arith_puzzle.dataset_builder.generate import puzzles, stream_key
from arith_puzzle.dataset_builder.puzzle import OPERATORS, completion, partition_mask, puzzle_keys, symbolic_prompt
from arith_puzzle.dataset_builder.search_traces import answers as answers_of
from arith_puzzle.dataset_builder.search_traces import most_attempts, searches
from arith_puzzle.dataset_builder.search_walks import walks, within_reach
from arith_puzzle.dataset_builder.solver.canonical import canonical
from arith_puzzle.dataset_builder.solver.solve import BOUND_FACTOR

DRILL_LIMIT = CONFIGS["starter"].splits["train"].bound
"""Default bound on the numbers in equations and walks."""
PUZZLE_V = 20
"""Default V of the puzzles."""
SCALES = (20, 60, 200)
"""Upper bounds on the operands of an equation. Each is as likely as the limit itself, so most operands are small."""
PUZZLE_SIZES = (3, 4)
"""Default numbers per puzzle, N."""
PUZZLE_CONTEXT = 2
"""Maximum number of failed attempts in the trace of a puzzle; it keeps the rows short."""
WALK_SIZES = (3, 3, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 6, 6, 6, 7, 7, 7, 8, 8, 8, 9, 10, 12, 15)
"""Numbers per walk, N; each entry is equally likely."""
WALK_SCALES = (60, 100, 300)
"""Upper bounds on the numbers of a walk or a list. Each is as likely as the limit itself."""
LIST_SIZES = tuple(range(2, 13))
"""Numbers per list; each entry is equally likely."""
WALK_CHARACTERS = 160, 55, 540
"""Length of a walk: a constant, plus so much per number, and the maximum. This is about two attempts; the maximum is
the context of a base."""


def drill_columns(
    rows: int, seed: int, drill_share: float, *,
    limit: int = DRILL_LIMIT, v: int = PUZZLE_V, sizes: Sequence[int] = PUZZLE_SIZES, walk_share: float = 0.0,
    list_share: float = 0.0,
    answers: Literal["symbolic", "search", "procedure"] = "symbolic", attempts: int | None = None,
) -> dict[str, list[str]]:  # fmt: skip
    """The rows of the mix, shuffled.

    Rows that are neither equations nor walks nor lists are puzzles.

    Args:
        rows: number of rows.
        seed: seed of all draws.
        drill_share: share of the rows that are single equations: prompt ``a∘b=``, completion ``c``. Numbers are within
            ±limit and division is exact.
        limit: bound on the numbers in equations and walks.
        v: V of the puzzles.
        sizes: numbers per puzzle, N; each entry is equally likely.
        walk_share: share of the rows that are walks, through 3 to 15 numbers from 1..limit.
        list_share: share of the rows that sort 2 to 12 numbers from 1..limit: prompt ``3,6,51,7=``, completion
            ``51,7,6,3``. In the prompt all numbers but the last one ascend, as those of a puzzle after an operation.
        answers: the completion of a puzzle: ``symbolic``, its canonical solution; ``search``, its search trace;
            ``procedure``, what the search answers, without the search.
        attempts: maximum number of attempts of the search for a puzzle; None: no maximum. The first six of four numbers
            begin with a difference, so that no number of a puzzle inside such a trace is above V.

    Returns:
        {"prompt": [...], "completion": [...]}, each of length ``rows``.

    Raises:
        InputError: walks beside other answers than ``search``, ``attempts`` without a search, or shares that sum to
            more than 1.
    """
    drills, walked, listed = (round(rows * share) for share in (drill_share, walk_share, list_share))
    if walked and answers != "search":
        raise InputError("drills.walk_share needs drills.format: search; set it, or remove drills.walk_share")
    if attempts is not None and answers == "symbolic":
        raise InputError("drills.attempts needs drills.format: search or procedure; set it, or remove drills.attempts")
    if drills + walked + listed > rows:
        raise InputError("drills.drill_share, walk_share and list_share sum to more than 1; lower one of them")
    generator = np.random.Philox(key=stream_key("drills", seed))
    pairs = _equations(generator, drills, limit)
    texts = [(f"{a}{op}{b}=", str(c)) for a, op, b, c in pairs]
    texts += _walks(generator, walked, limit)
    texts += _lists(generator, listed, limit)
    bound = BOUND_FACTOR * v
    for index, n in enumerate(sizes):
        share = len(range(index, rows - drills - walked - listed, len(sizes)))
        if share == 0:
            continue
        if answers != "symbolic":
            texts += _searched(seed, share, n, v, bound, answers, attempts)
            continue
        numbers, targets, _ = puzzles(("drills", seed), share, n, v, bound, "train", unique=False)
        solutions = [
            completion((a, OPERATORS[op], b, c) for a, op, b, c in steps)
            for steps in canonical(numbers, targets, bound)[0].tolist()
        ]
        asked = zip(numbers.tolist(), targets.tolist(), solutions, strict=True)
        texts += [(symbolic_prompt(row, target), answer) for row, target, answer in asked]
    order = np.argsort(generator.random_raw(len(texts)), kind="stable")
    return {"prompt": [texts[i][0] for i in order], "completion": [texts[i][1] for i in order]}


def _searched(
    seed: int, rows: int, n: int, v: int, bound: int, answers: str, attempts: int | None
) -> list[tuple[str, str]]:
    """(prompt, completion) of puzzles with search traces, or with their answers alone (``procedure``).

    Puzzles that no attempt solves, or none of the first ``attempts``, are replaced by others.
    """
    numbers, targets, _ = puzzles(("drills", seed), rows + rows // 10 + 20, n, v, bound, "train", unique=False)
    prompts, traces, found = searches(numbers, targets, context=PUZZLE_CONTEXT if answers == "search" else 0)
    if answers == "procedure":
        asked = zip(numbers.tolist(), targets.tolist(), strict=True)
        prompts, traces = pa.array(symbolic_prompt(*puzzle) for puzzle in asked), answers_of(traces)
    pairs = zip(prompts.to_pylist(), traces.to_pylist(), strict=True)
    solved = (found >= 0) & (found < (most_attempts(n) if attempts is None else attempts))
    return [pair for pair, kept in zip(pairs, solved, strict=True) if kept][:rows]


def _walks(generator: np.random.Philox, rows: int, limit: int) -> list[tuple[str, str]]:
    """(prompt, completion) of walks. The numbers and the target of a row are from 1 up to a scale drawn for the row.

    Half of the rows get a target that the walk reaches or nearly reaches.
    """
    texts = []
    base, each, most = WALK_CHARACTERS
    for index, n in enumerate(WALK_SIZES):
        share = len(range(index, rows, len(WALK_SIZES)))
        found: list[tuple[str, str]] = []
        while len(found) < share:
            words = generator.random_raw(share * (n + 3)).reshape(share, n + 3)
            scale = np.array((*WALK_SCALES, limit), dtype=np.uint64)[words[:, :1] >> np.uint64(62)]
            drawn = (((words[:, 1:-1] >> np.uint64(32)) * scale) >> np.uint64(32)).astype(np.int64) + 1
            numbers, targets, keys = np.sort(drawn[:, 1:], axis=1), drawn[:, 0], words[:, -1].copy()
            near = within_reach(numbers, targets, keys)
            targets = np.where((words[:, 0] & np.uint64(1) == 0) & (near <= 2 * limit), near, targets)
            texts_of = walks(numbers, targets, keys, min(base + each * n, most))
            kept = partition_mask(puzzle_keys(numbers, targets), "train")
            pairs = zip(*(column.to_pylist() for column in texts_of), strict=True)
            found += [pair for pair, keep in zip(pairs, kept, strict=True) if keep and pair[1]]
        texts += found[:share]
    return texts


def _lists(generator: np.random.Philox, rows: int, limit: int) -> list[tuple[str, str]]:
    """(prompt, completion) of lists and the same numbers in descending order. A scale is drawn for each row."""
    texts = []
    for index, n in enumerate(LIST_SIZES):
        words = generator.random_raw(len(range(index, rows, len(LIST_SIZES))) * (n + 1)).reshape(-1, n + 1)
        scale = np.array((*WALK_SCALES, limit), dtype=np.uint64)[words[:, :1] >> np.uint64(62)]
        drawn = (((words[:, 1:] >> np.uint64(32)) * scale) >> np.uint64(32)).astype(np.int64) + 1
        for *first, last in drawn.tolist():
            shown, descending = [*sorted(first), last], sorted([*first, last], reverse=True)
            texts.append((",".join(map(str, shown)) + "=", ",".join(map(str, descending))))
    return texts


def _equations(generator: np.random.Philox, rows: int, limit: int) -> list[tuple[int, str, int, int]]:
    """Single equations (a, operator, b, c). The operators are drawn equally often; the limit then drops most products.

    For a division, the divisor and the quotient are drawn, so that it is exact. Small operands are more frequent.
    """
    found: list[tuple[int, str, int, int]] = []
    while len(found) < rows:
        words = generator.random_raw(4 * 4096).reshape(-1, 4)
        scale = np.array((*SCALES, limit), dtype=np.uint64)[(words[:, 3] >> np.uint64(60)) % 4]
        a = (((words[:, 0] >> np.uint64(32)) * scale) >> np.uint64(32)).astype(np.int64) + 1
        b = (((words[:, 1] >> np.uint64(32)) * scale) >> np.uint64(32)).astype(np.int64) + 1
        signs = np.where(words[:, 2:3] >> np.array([8, 9], dtype=np.uint64) & np.uint64(7), 1, -1)  # 1 in 8 negative
        columns = ((a * signs[:, 0]).tolist(), (b * signs[:, 1]).tolist(), (words[:, 2] % 4).tolist())
        for x, y, kind in zip(*columns, strict=True):
            op = OPERATORS[kind]
            if op == "+":
                equation = (x, op, y, x + y)
            elif op == "-":
                equation = (x, op, y, x - y)
            elif op == "*":
                equation = (x, op, y, x * y)
            else:
                equation = (x * y, op, y, x)
            if max(map(abs, (equation[0], equation[3]))) <= limit:
                found.append(equation)
    return found[:rows]
