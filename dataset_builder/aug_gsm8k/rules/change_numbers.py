"""The strategy change_numbers: other numbers in the same story, and the recomputed solution."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from math import prod

from arith_puzzle.dataset_builder.aug_gsm8k.chain import REFUSED_SOURCES, Program, RefusedError, compile_problem
from arith_puzzle.dataset_builder.aug_gsm8k.numerals import Numeral
from arith_puzzle.dataset_builder.aug_gsm8k.rules.pairs import FAULTS, RULES_VERSION, Pair, fault
from arith_puzzle.dataset_builder.aug_gsm8k.source import Draws, Problem

REFUSED = REFUSED_SOURCES
STRATEGY = "change_numbers"
ATTEMPTS = 40
"""Maximum number of draws per wanted new question."""
GROWTH = 3
"""Largest factor by which a result may grow or shrink."""
SCALES = tuple(Fraction(tenths, 10) for tenths in (6, 7, 8, 9, 10, 11, 12, 14, 16, 18))
"""Factors for all numbers of a unit."""
JITTER = Fraction(4, 5), Fraction(5, 4)
"""Lowest and highest factor of a number, beside that of its unit."""
MOST = {1: 6, 2: 16}
"""Number of changing numbers -> maximum number of questions. With fewer numbers, more questions would be much alike."""

DROPPED = {
    "unwritable": "a number has too many decimals for GSM8K's style",
    "same": "the numbers equal those of the source or of an earlier draw",
    "order": "two numbers of the question, or two results, change their order",
    "not_whole": "a result has more decimals than in the source",
    "unreal": "a number becomes 1; or a result becomes 0, 1 or negative, changes by more than a factor of three, or is"
    " a share above one",
} | FAULTS
"""Reason why a draw is dropped -> its meaning."""

_COMPARES = re.compile(
    r"\b(?:most|least|larg\w+|small\w+|bigg\w+|high\w+|low\w+|cheap\w+|few\w+|max\w*|min\w*|enough|whichever|better|"
    r"worse|fast\w+|slow\w+|long\w+|short\w+|old\w+|young\w+|tall\w+|heav\w+|light\w+|great\w+|exceed\w*|limit)\b",
    re.IGNORECASE,
)
_LARGE_WORD = re.compile(
    r"\b(?:(?:thir|four|fif|six|seven|eigh|nine)teen|(?:twen|thir|for|fif|six|seven|eigh|nine)ty)\b", re.IGNORECASE
)
"""Numbers in words that may be one of the quantities, and would stay."""
_RESULT_UNIT = re.compile(
    r"=[^<>]*>>[^A-Za-z%.\n]*(?:(?P<share>%|percent)|(?P<age>years?[ -]old)|(?P<day>hours? (?:a|per|each|every) day)"
    r"|(?P<tall>(?:feet|foot|inches|cm|centimeters|meters|m)\b[^.\n]{0,9}\b(?:tall|high)))",
    re.IGNORECASE,
)


def augment(
    problem: Problem, seed: int, count: int, problems: Sequence[Problem]
) -> tuple[list[Pair], str | None, Counter[str]]:
    """Make up to ``count`` pairs from one source. The other ``problems`` are not used.

    Returns:
        (pairs, None or a key of REFUSED, number of dropped draws by key of DROPPED).
    """
    dropped: Counter[str] = Counter()
    if _LARGE_WORD.search(f"{problem.query} {problem.response}"):
        return [], "ambiguous", dropped
    try:
        program = compile_problem(problem)
    except RefusedError as refused:
        return [], str(refused), dropped
    before = {index: program.numerals[index].value for index in program.variables}
    seen = {tuple(before.values())}
    possible = prod(len(_grid(program.numerals[index])) for index in program.variables)
    ordered = bool(_COMPARES.search(problem.query))
    pairs: list[Pair] = []
    count = min(count, MOST.get(len(program.variables), count))
    for attempt in range(ATTEMPTS * count):
        values = _draw(program, Draws(STRATEGY, RULES_VERSION, seed, problem.index, attempt))
        reason, pair = "same", None
        if tuple(values.values()) not in seen:
            seen.add(tuple(values.values()))
            reason, pair = _play(program, values, ordered)
        if pair:
            pairs.append(pair)
        else:
            dropped[reason] += 1
        if len(pairs) == count or len(seen) == possible:
            break
    return pairs, None, dropped


def _draw(program: Program, draws: Draws) -> dict[int, Fraction]:
    """Random new values for all variables. Numbers of the same unit grow or shrink by similar factors."""
    scales: dict[str, Fraction] = {}
    values: dict[int, Fraction] = {}
    for index in program.variables:
        numeral = program.numerals[index]
        grid = _grid(numeral)
        unit = _unit(program.problem.query, numeral)
        if unit not in scales:
            scales[unit] = SCALES[draws.below(len(SCALES))]
        low, high = (numeral.value * scales[unit] * factor / numeral.quantum for factor in JITTER)
        near = [step for step in grid if low <= step <= high] or list(grid)
        values[index] = numeral.quantum * near[draws.below(len(near))]
    return values


def _grid(numeral: Numeral) -> range:
    """The possible new values of a number, in units of its quantum."""
    return range(int(-(-numeral.low // numeral.quantum)), int(numeral.high // numeral.quantum) + 1)


def _unit(question: str, numeral: Numeral) -> str:
    """What a number of the question counts: ``$``, ``%``, or the word after it without its plural ending."""
    if numeral.kind == "percent":
        return "%"
    if numeral.kind == "cents" or question[: numeral.start].endswith("$"):
        return "$"
    word = re.match(r"[\s-]*([A-Za-z]*)", question[numeral.end :])
    return word[1].lower().removesuffix("s") if word else ""


def _play(program: Program, values: dict[int, Fraction], ordered: bool) -> tuple[str, Pair | None]:
    """Recompute the problem and check the pair: ("", pair), or (a key of DROPPED, None).

    If ``ordered`` is true, the question compares quantities. Then the results must keep their order too.
    """
    if 1 in values.values():
        return "unreal", None
    old = [(numeral.value, numeral.kind) for numeral in program.numerals]
    new = [(values.get(index, value), kind) for index, (value, kind) in enumerate(old)]
    if _order(old) != _order(new):
        return "order", None
    played = program.play(values)
    if isinstance(played, str):
        return played, None
    question, solution, results = played
    for step, result in zip(program.steps, results, strict=True):
        if not step.inputs:
            continue
        if _decimals(result) > _decimals(step.value):
            return "not_whole", None
        if (result == 1) != (step.value == 1) or (result > 0) != (step.value > 0) or (result < 1) != (step.value < 1):
            return "unreal", None
        if step.value and not Fraction(1, GROWTH) <= result / step.value <= GROWTH:
            return "unreal", None
        if not _usual(program.problem.response, step.end, step.value, result):
            return "unreal", None
    if ordered:
        steps = [(step.value, "plain") for step in program.steps]
        played_steps = [(result, "plain") for result in results]
        if _order(old + steps) != _order(new + played_steps):
            return "order", None
    found = fault(question, solution)
    return (found, None) if found else ("", Pair(question, (solution,)))


def _usual(solution: str, end: int, old: Fraction, new: Fraction) -> bool:
    """Whether a result stays usual for its unit: a percentage, an age, hours of a day, a height.

    ``end`` is the end of the result's expression in the solution.
    """
    unit = _RESULT_UNIT.match(solution, end)
    if unit is None or old == 0:
        return True
    if unit["share"]:
        return old > 100 or new <= 100
    if unit["age"]:
        return old > 100 or new <= 100
    if unit["day"]:
        return old > 24 or new <= max(old, Fraction(16))
    return Fraction(4, 5) <= new / old <= Fraction(6, 5)


def _order(values: list[tuple[Fraction, str]]) -> list[tuple[bool, bool]]:
    """Comparisons of all pairs of values, where percentages are compared only with percentages."""
    return [
        (a > b, a == b)
        for index, (a, kind) in enumerate(values)
        for b, other in values[:index]
        if (kind == "percent") == (other == "percent")
    ]


def _decimals(value: Fraction) -> int:
    """Number of decimals; 99 if there is no finite decimal form of at most 12 decimals."""
    return next((places for places in range(13) if (value * 10**places).denominator == 1), 99)
