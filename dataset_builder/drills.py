"""What the base models learn: single equations, and puzzles with small numbers.

Not a config of the published dataset; the recipe of a base names it, and a seed gives the same rows.
Its puzzles obey the dataset's partition by key, so the base has seen no evaluation puzzle either.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dataset_builder.canonical import canonical
from dataset_builder.generate import CONFIGS, puzzles, stream_key
from dataset_builder.puzzle import OPERATORS, completion, symbolic_prompt
from dataset_builder.search import searches
from dataset_builder.solve import BOUND_FACTOR

DRILL_LIMIT = CONFIGS["starter"].splits["train"].bound
PUZZLE_V = 20
PUZZLE_SIZES = (3, 4)


def drill_columns(
    rows: int, seed: int, drill_share: float, *,
    limit: int = DRILL_LIMIT, v: int = PUZZLE_V, sizes: Sequence[int] = PUZZLE_SIZES, search: bool = False,
) -> dict[str, list[str]]:  # fmt: skip
    """Prompt and completion columns, shuffled.

    Args:
        rows: how many in all.
        drill_share: the share that are single equations, prompt ``a∘b=`` and completion ``c``, with
            |a|, |b|, |c| <= limit and exact division; the rest are puzzles of ``sizes``
            numbers from 1..v with their canonical solutions or, with ``search``, those of ``searches``.
    """
    drills = round(rows * drill_share)
    generator = np.random.Philox(key=stream_key("drills", seed))
    pairs = _equations(generator, drills, limit)
    texts = [(f"{a}{op}{b}=", str(c)) for a, op, b, c in pairs]
    bound = BOUND_FACTOR * v
    for index, n in enumerate(sizes):
        share = len(range(index, rows - drills, len(sizes)))
        if share == 0:
            continue
        numbers, targets, _ = puzzles(("drills", seed), share, n, v, bound, "train", unique=False)
        if search:
            answers = searches(numbers, targets).to_pylist()
        else:
            answers = [
                completion((a, OPERATORS[op], b, c) for a, op, b, c in steps)
                for steps in canonical(numbers, targets, bound)[0].tolist()
            ]
        asked = [symbolic_prompt(*puzzle) for puzzle in zip(numbers.tolist(), targets.tolist(), strict=True)]
        texts += zip(asked, answers, strict=True)
    order = np.argsort(generator.random_raw(len(texts)), kind="stable")
    return {"prompt": [texts[i][0] for i in order], "completion": [texts[i][1] for i in order]}


def _equations(generator: np.random.Philox, rows: int, limit: int) -> list[tuple[int, str, int, int]]:
    """Equations of all four operators, drawn in equal parts before the limit thins out products.

    A quotient is drawn before its dividend, so that division is exact. Small operands come up more often.
    """
    found = []
    while len(found) < rows:
        words = generator.random_raw(4 * 4096).reshape(-1, 4)
        scale = np.array([20, 60, 200, limit], dtype=np.uint64)[(words[:, 3] >> np.uint64(60)) % 4]
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
