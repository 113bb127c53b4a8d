"""The puzzle of arXiv 2406.02100: its text formats, its 64-bit key, the split of a key, the normal form of a solution.

This module defines the texts of prompts and completions. ``text`` writes the same texts for many rows; ``formats`` and
``search_traces`` write other texts from them; ``generate`` draws puzzles. ``parse_completion`` uses the verifier's
parser of equations, which stands with the verifier, because that folder is pushed to the Hub on its own.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from arith_puzzle.common.errors import InputError
from arith_puzzle.metrics.arith_puzzle_verifier.verify import NUMBER, Equation, Number, parse_equation, solution_key

SPEC_VERSION = 1
"""Increase it whenever the rows of a config change. It is part of the key of every random stream."""

MAX_NUMBERS = 15
MAX_MAGNITUDE = 10**9
OPERATORS = "+-*/"

_PUZZLE = re.compile(rf"({NUMBER}(?:,{NUMBER})*):({NUMBER})")


def symbolic_prompt(numbers: Sequence[int], target: int) -> str:
    """The ``symbolic`` prompt: ``([3, 6, 7, 51, 58], 4)`` -> ``"3,6,7,51,58:4\\n"``, numbers in ascending order."""
    return f"{','.join(map(str, sorted(numbers)))}:{target}\n"


_DIVISIONS = {
    "exact": "Divisions must be exact.",
    "integer": "A quotient is rounded toward zero.",
    "rational": "Quotients may be fractions.",
}


def natural_prompt(
    numbers: Sequence[int], target: int, *, rule: str = "all", division: str = "exact", form: str = "equations"
) -> str:
    """The ``natural`` prompt: rules and puzzle in English, for models that are not trained on the symbolic prompt."""
    puzzle = f"Reach the target {target} from the numbers {', '.join(map(str, sorted(numbers)))}.\n"
    if form == "expression":
        use = "exactly once" if rule == "all" else "at most once"
        return (
            f"{puzzle}Write one expression whose value is {target}, with + - * / and brackets, such as (1+2)*3. "
            f"Use every number {use}, and no other number. {_DIVISIONS[division]}\n"
            "Answer with the expression only, without spaces, an equals sign or other text.\n"
        )
    n = len(numbers)
    use = "every number and every result is used exactly once"
    count = f"exactly {n - 1}"
    if rule == "subset":
        use = "every number is used at most once, and every result but the last exactly once"
        count = f"1 to {n - 1}" if n > 2 else "1"
    return (
        f"{puzzle}Write {count} equation{'s' if n > 2 else ''}, one per line, each of the form a+b=c, a-b=c, a*b=c or "
        "a/b=c. "
        f"Each equation takes two of the numbers that are left and puts its result among them; {use}. "
        f"{_DIVISIONS[division]} The result of the last equation is {target}.\n"
        "Answer with the equations only, without spaces or other text.\n"
    )


def completion(equations: Iterable[Equation]) -> str:
    """The completion of a row: one equation per line, no spaces, no trailing newline."""
    return "\n".join([f"{a}{op}{b}={c}" for a, op, b, c in equations])


def parse_completion(text: str) -> list[Equation]:
    """The equations of a completion. Raises InputError for a line that is not an equation."""
    equations: list[Equation] = []
    for number, line in enumerate(text.removesuffix("\n").split("\n"), 1):
        equation = parse_equation(line)
        if equation is None:
            raise InputError(f"line {number} must be an equation such as 3+4=7, not {line[:60]!r}")
        equations.append(equation)
    return equations


def parse_puzzle(text: str) -> tuple[list[int], int]:
    """Parse a puzzle that a user typed: ``"3,6,7,51,58:4"`` -> ``([3, 6, 7, 51, 58], 4)``.

    The numbers may repeat and may come in any order. They are returned in ascending order.

    Raises:
        InputError: the text has another form, there are more than MAX_NUMBERS numbers, or a number is larger than
            MAX_MAGNITUDE.
    """
    form = "a puzzle is written as numbers, a colon and the target, without spaces, such as 3,6,7,51,58:4"
    match = _PUZZLE.fullmatch(text.strip()) if len(text) <= 400 else None
    if match is None:
        raise InputError(f"{form}; got {text[:60]!r}")
    numbers = [int(item) for item in match[1].split(",")]
    target = int(match[2])
    if not 2 <= len(numbers) <= MAX_NUMBERS:
        raise InputError(f"a puzzle has 2 to {MAX_NUMBERS} numbers; got {len(numbers)}")
    if max(map(abs, [*numbers, target])) > MAX_MAGNITUDE:
        raise InputError(f"numbers and target must be within ±{MAX_MAGNITUDE}; got {text[:60]!r}")
    return sorted(numbers), target


def puzzle_keys(numbers: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The 64-bit keys of many puzzles: the hash that KEY_RULE describes.

    Args:
        numbers: integers, shape (rows, n), in any order within a row.
        targets: integers, shape (rows,).

    Returns:
        uint64, shape (rows,). The finaliser is that of SplitMix64 (Steele, Lea, Flood 2014, "Fast splittable
        pseudorandom number generators").
    """
    columns = np.concatenate([np.sort(numbers, axis=1), targets[:, None]], axis=1).astype(np.int64)
    h = np.full(len(columns), numbers.shape[1], dtype=np.uint64)
    for column in columns.T.view(np.uint64):
        h = (h ^ column) + np.uint64(0x9E3779B97F4A7C15)
        h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        h = h ^ (h >> np.uint64(31))
    return h


def puzzle_key(numbers: Sequence[int], target: int) -> int:
    """The key of one puzzle, as in ``puzzle_keys``. It does not depend on the order of the numbers."""
    return int(puzzle_keys(np.array([numbers], dtype=np.int64), np.array([target], dtype=np.int64))[0])


KEY_RULE = (
    "h = n; for each v of (numbers ascending, target): h = mix(h XOR v), where mix adds 0x9E3779B97F4A7C15 and applies "
    "SplitMix64's finaliser, modulo 2^64"
)
PARTITION_RULE = "key >> 59: 0 = validation, 1 = test (and every other evaluation split), 2..31 = train"


def partition_mask(keys: np.ndarray, split: str) -> np.ndarray:
    """Which puzzles may be in ``split``, by PARTITION_RULE: keys uint64 -> bool of the same shape."""
    part = keys >> np.uint64(59)
    if split == "train":
        return part >= 2
    return part == (0 if split == "validation" else 1)


def normal_form(numbers: Sequence[Number], equations: Sequence[Equation]) -> list[Equation]:
    """The normal form of a solution. Two solutions count as the same if and only if their normal forms are equal.

    In ``+`` and ``*`` the larger operand comes first. Independent steps can be written in several orders. The normal
    form is the first valid order when equations are compared by left operand (descending), then right operand
    (descending), then operator (``+ - * /``).

    Raises:
        InputError: the equations need a number that is not available in any order.
    """
    commuted = list(solution_key(equations))

    def play(pool: Counter[Number], left: list[Equation]) -> list[Equation] | None:
        if not left:
            return []
        for i, equation in enumerate(left):
            if i and equation == left[i - 1]:
                continue
            a, _, b, c = equation
            if pool[a] < 1 or pool[b] < (2 if a == b else 1):
                continue
            pool[a] -= 1
            pool[b] -= 1
            pool[c] += 1
            rest = play(pool, left[:i] + left[i + 1 :])  # None only if an earlier step took one of several equal values
            if rest is not None:
                return [equation, *rest]
            pool[a] += 1
            pool[b] += 1
            pool[c] -= 1
        return None

    pool: Counter[Number] = Counter(numbers)
    ordered = play(pool, commuted)
    if ordered is None:
        raise InputError(f"these equations cannot be formed from {list(numbers)}: {completion(equations)!r}")
    return ordered
