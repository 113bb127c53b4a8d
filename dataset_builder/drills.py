"""What the base models learn: single equations, and puzzles with small numbers.

Not a config of the published dataset; the recipe of a base names it, and a seed gives the same rows.
Its puzzles, and those that its walks begin with, obey the dataset's partition by key, as training rows do.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dataset_builder.canonical import canonical
from dataset_builder.errors import InputError
from dataset_builder.generate import CONFIGS, puzzles, stream_key
from dataset_builder.puzzle import OPERATORS, completion, parse_puzzle, partition_mask, puzzle_key, symbolic_prompt
from dataset_builder.search import FACTOR, searches, walks
from dataset_builder.solve import BOUND_FACTOR

DRILL_LIMIT = CONFIGS["starter"].splits["train"].bound
PUZZLE_V = 20
SCALES = (20, 60, 200)
"""Of the numbers in drills, each as often as the limit: most are small."""
PUZZLE_SIZES = (3, 4)
WALK_SIZES = (3, 4, 4, 5, 5, 6, 6, 7, 8, 8, 10, 12, 15)
WALK_CHARACTERS = 440


def drill_columns(
    rows: int, seed: int, drill_share: float, *,
    limit: int = DRILL_LIMIT, v: int = PUZZLE_V, sizes: Sequence[int] = PUZZLE_SIZES, search: bool = False,
    walk_share: float = 0.0, pair_share: float = 0.0,
) -> dict[str, list[str]]:  # fmt: skip
    """Prompt and completion columns, shuffled.

    Args:
        rows: how many in all.
        drill_share: the share that are single equations, prompt ``a∘b=`` and completion ``c``, with
            |a|, |b|, |c| <= limit and exact division; the rest are puzzles of ``sizes``
            numbers from 1..v with their canonical solutions or, with ``search``, those of ``searches``.
        walk_share: the share that are walks of the search through 3 to 15 numbers from 1..limit.
        pair_share: the share that ask by which operator two numbers from 1..limit give a third, as a search does.

    Raises:
        InputError: walks or pairs without ``search``, or shares that are more than the whole.
    """
    drills, walked, paired = (round(rows * share) for share in (drill_share, walk_share, pair_share))
    if (walked or paired) and not search:
        raise InputError("drills.walk_share and drills.pair_share are for format: search; remove them or set it")
    if drills + walked + paired > rows:
        raise InputError("drills.drill_share, walk_share and pair_share are more than 1 together; lower one")
    generator = np.random.Philox(key=stream_key("drills", seed))
    pairs = _equations(generator, drills, limit)
    texts = [(f"{a}{op}{b}=", str(c)) for a, op, b, c in pairs]
    texts += _walks(generator, walked, limit)
    texts += _pairs(generator, paired, limit)
    bound = BOUND_FACTOR * v
    for index, n in enumerate(sizes):
        share = len(range(index, rows - drills - walked - paired, len(sizes)))
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
        texts += _asked(numbers, targets, answers)
    order = np.argsort(generator.random_raw(len(texts)), kind="stable")
    return {"prompt": [texts[i][0] for i in order], "completion": [texts[i][1] for i in order]}


def _scaled(generator: np.random.Philox, rows: int, n: int, limit: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers, int64 [rows, n] and ascending, and targets, all from 1 up to a scale that is drawn for each row."""
    words = generator.random_raw(rows * (n + 2)).reshape(rows, n + 2)
    scale = np.array((*SCALES, limit), dtype=np.uint64)[words[:, :1] >> np.uint64(62)]
    drawn = (((words[:, 1:] >> np.uint64(32)) * scale) >> np.uint64(32)).astype(np.int64) + 1
    return np.sort(drawn[:, 1:], axis=1), drawn[:, 0]


def _asked(numbers: np.ndarray, targets: np.ndarray, answers: list[str]) -> list[tuple[str, str]]:
    """Prompts and completions."""
    puzzles = zip(numbers.tolist(), targets.tolist(), strict=True)
    return [(symbolic_prompt(*puzzle), answer) for puzzle, answer in zip(puzzles, answers, strict=True)]


def _walks(generator: np.random.Philox, rows: int, limit: int) -> list[tuple[str, str]]:
    texts = []
    for index, n in enumerate(WALK_SIZES):
        share = len(range(index, rows, len(WALK_SIZES)))
        found = []
        while len(found) < share:
            numbers, targets = _scaled(generator, share, n, limit)
            pieces = walks(numbers, targets, generator.random_raw(share), WALK_CHARACTERS)
            pairs = list(zip(*(column.to_pylist() for column in pieces), strict=True))
            keys = [puzzle_key(*parse_puzzle(":".join(prompt.split(":")[:2]))) for prompt, _ in pairs]
            kept = partition_mask(np.array(keys, np.uint64), "train")
            found += [pair for pair, keep in zip(pairs, kept, strict=True) if keep]
        texts += found[:share]
    return texts


def _pairs(generator: np.random.Philox, rows: int, limit: int) -> list[tuple[str, str]]:
    """Puzzles of two numbers: no evaluation split has so few."""
    numbers, kind = _scaled(generator, rows, 2, limit)[0], generator.random_raw(rows) % 4
    x, y = numbers.T
    targets = np.select([kind == 0, (kind == 1) & (x <= FACTOR)], [x + y, x * y], y - x)
    targets = np.where(targets < 1, x + y, targets)
    return _asked(numbers, targets, searches(numbers, targets).to_pylist())


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
