"""What the base models learn: single equations, puzzles with small numbers, and how a search goes on.

Not a config of the published dataset; the recipe of a base names it, and a seed gives the same rows.
Its puzzles, and those that its walks begin with, obey the dataset's partition by key, as training rows do.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.configs import CONFIGS
from arith_puzzle.dataset_builder.generate import puzzles, stream_key
from arith_puzzle.dataset_builder.puzzle import OPERATORS, completion, partition_mask, puzzle_keys, symbolic_prompt
from arith_puzzle.dataset_builder.search_traces import searches, walks, within_reach
from arith_puzzle.dataset_builder.solver.canonical import canonical
from arith_puzzle.dataset_builder.solver.solve import BOUND_FACTOR

DRILL_LIMIT = CONFIGS["starter"].splits["train"].bound
PUZZLE_V = 20
SCALES = (20, 60, 200)
"""Of the numbers in equations, each as often as the limit: most are small."""
PUZZLE_SIZES = (3, 4)
PUZZLE_CONTEXT = 2
"""Failed attempts that a searched puzzle shows: a base is taught in short rows."""
WALK_SIZES = (3, 3, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 6, 6, 6, 7, 7, 7, 8, 8, 8, 9, 10, 12, 15)
WALK_SCALES = (60, 100, 300)
"""Of the numbers in walks, each as often as the limit."""
WALK_CHARACTERS = 160, 55, 540
"""Of a walk, for each of its numbers, and at most: about two attempts, or what attention reaches."""


def drill_columns(
    rows: int, seed: int, drill_share: float, *,
    limit: int = DRILL_LIMIT, v: int = PUZZLE_V, sizes: Sequence[int] = PUZZLE_SIZES, search: bool = False,
    walk_share: float = 0.0,
) -> dict[str, list[str]]:  # fmt: skip
    """Prompt and completion columns, shuffled.

    Args:
        rows: how many in all.
        drill_share: the share that are single equations, prompt ``a∘b=`` and completion ``c``, with
            |a|, |b|, |c| <= limit and exact division; the rest are puzzles of ``sizes``
            numbers from 1..v with their canonical solutions or, with ``search``, those of ``searches``.
        walk_share: the share that are walks of the search through 3 to 15 numbers from 1..limit.

    Raises:
        InputError: walks without ``search``, or shares that are more than the whole.
    """
    drills, walked = (round(rows * share) for share in (drill_share, walk_share))
    if walked and not search:
        raise InputError("drills.walk_share is for format: search; remove it or set it")
    if drills + walked > rows:
        raise InputError("drills.drill_share and walk_share are more than 1 together; lower one")
    generator = np.random.Philox(key=stream_key("drills", seed))
    pairs = _equations(generator, drills, limit)
    texts = [(f"{a}{op}{b}=", str(c)) for a, op, b, c in pairs]
    texts += _walks(generator, walked, limit)
    bound = BOUND_FACTOR * v
    for index, n in enumerate(sizes):
        share = len(range(index, rows - drills - walked, len(sizes)))
        if share == 0:
            continue
        if search:
            texts += _searched(seed, share, n, v, bound)
            continue
        numbers, targets, _ = puzzles(("drills", seed), share, n, v, bound, "train", unique=False)
        answers = [
            completion((a, OPERATORS[op], b, c) for a, op, b, c in steps)
            for steps in canonical(numbers, targets, bound)[0].tolist()
        ]
        asked = zip(numbers.tolist(), targets.tolist(), answers, strict=True)
        texts += [(symbolic_prompt(row, target), answer) for row, target, answer in asked]
    order = np.argsort(generator.random_raw(len(texts)), kind="stable")
    return {"prompt": [texts[i][0] for i in order], "completion": [texts[i][1] for i in order]}


def _searched(seed: int, rows: int, n: int, v: int, bound: int) -> list[tuple[str, str]]:
    """Puzzles and their searches; the few that no attempt solves are left out, and others taken."""
    numbers, targets, _ = puzzles(("drills", seed), rows + rows // 10 + 20, n, v, bound, "train", unique=False)
    prompts, answers, found = searches(numbers, targets, context=PUZZLE_CONTEXT)
    pairs = zip(prompts.to_pylist(), answers.to_pylist(), strict=True)
    return [pair for pair, kept in zip(pairs, found >= 0, strict=True) if kept][:rows]


def _walks(generator: np.random.Philox, rows: int, limit: int) -> list[tuple[str, str]]:
    """Numbers and targets are from 1 up to a scale that is drawn for each row.

    Half of the targets make room for one that the walk comes upon.
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


def _equations(generator: np.random.Philox, rows: int, limit: int) -> list[tuple[int, str, int, int]]:
    """Equations of all four operators, drawn in equal parts before the limit thins out products.

    A quotient is drawn before its dividend, so that division is exact. Small operands come up more often.
    """
    found = []
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
