"""What the base model arith-tiny learns: single equations, and puzzles with small numbers.

Not a config of the published dataset; the recipe of the base names it, and a seed gives the same rows.
Its puzzles obey the dataset's partition by key, so the base has seen no evaluation puzzle either.
"""

from __future__ import annotations

import numpy as np

from dataset_builder.canonical import canonical
from dataset_builder.generate import CONFIGS, puzzles, stream_key
from dataset_builder.puzzle import OPERATORS, completion, symbolic_prompt
from dataset_builder.solve import BOUND_FACTOR

DRILL_LIMIT = CONFIGS["starter"].splits["train"].bound
PUZZLE_V = 20
PUZZLE_SIZES = (3, 4)


def drill_columns(rows: int, seed: int, drill_share: float) -> dict[str, list[str]]:
    """Prompt and completion columns, shuffled.

    Args:
        rows: how many in all.
        drill_share: the share that are single equations, prompt ``a∘b=`` and completion ``c``, with
            |a|, |b|, |c| <= DRILL_LIMIT and exact division; the rest are puzzles of PUZZLE_SIZES
            numbers from 1..PUZZLE_V with their canonical solutions.
    """
    drills = round(rows * drill_share)
    generator = np.random.Philox(key=stream_key("drills", seed))
    pairs = _equations(generator, drills)
    texts = [(f"{a}{op}{b}=", str(c)) for a, op, b, c in pairs]
    bound = BOUND_FACTOR * PUZZLE_V
    for index, n in enumerate(PUZZLE_SIZES):
        share = len(range(index, rows - drills, len(PUZZLE_SIZES)))
        numbers, targets, _ = puzzles(("drills", seed), share, n, PUZZLE_V, bound, "train", unique=False)
        equations, _ = canonical(numbers, targets, bound)
        for row, target, steps in zip(numbers.tolist(), targets.tolist(), equations.tolist(), strict=True):
            text = completion((a, OPERATORS[op], b, c) for a, op, b, c in steps)
            texts.append((symbolic_prompt(row, target), text))
    order = np.argsort(generator.random_raw(len(texts)), kind="stable")
    return {"prompt": [texts[i][0] for i in order], "completion": [texts[i][1] for i in order]}


def _equations(generator: np.random.Philox, rows: int) -> list[tuple[int, str, int, int]]:
    """Equations of all four operators, drawn in equal parts before the limit thins out products.

    A quotient is drawn before its dividend, so that division is exact. Small operands come up more often.
    """
    found = []
    while len(found) < rows:
        words = generator.random_raw(4 * 4096).reshape(-1, 4)
        scale = np.array([20, 60, 200, DRILL_LIMIT], dtype=np.uint64)[(words[:, 3] >> np.uint64(60)) % 4]
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
            if max(map(abs, (equation[0], equation[3]))) <= DRILL_LIMIT:
                found.append(equation)
    return found[:rows]
